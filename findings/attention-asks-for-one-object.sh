#!/usr/bin/env bash
# The fused attention of nn.MultiheadAttention asks whether query, key and value are one object: equal copies give other bits.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
import torch
from torch import nn

print("torch", torch.__version__)
torch.manual_seed(0)
attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
x = torch.randn(2, 5, 8)
with torch.no_grad():
    one = attention(x, x, x, need_weights=False)[0]
    views = attention(x, x.view_as(x), x.view_as(x), need_weights=False)[0]
apart = (one - views).abs().max().item()
print(f"the same memory as one object and as three: equal {torch.equal(one, views)}, at most {apart:.1e} apart")
assert not torch.equal(one, views)
assert apart < 1e-5
EOF
