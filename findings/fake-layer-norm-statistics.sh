#!/usr/bin/env bash
# Layer norm of half-precision input with float32 weights: its statistics are float32 on the CPU, and bfloat16 under fake tensors.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

print("torch", torch.__version__)


def dtypes(weights):
    x, weight, bias = torch.ones(2, 4, dtype=torch.bfloat16), torch.ones(4, dtype=weights), torch.ones(4, dtype=weights)
    return [result.dtype for result in torch.ops.aten.native_layer_norm(x, [4], weight, bias, 1e-5)]


half, single = torch.bfloat16, torch.float32
for weights, real_ones in ((half, [half, half, half]), (single, [half, single, single])):
    real = dtypes(weights)
    with FakeTensorMode():
        fake = dtypes(weights)
    print(f"{weights} weights: result, mean and deviation are {real}, fake ones {fake}")
    assert real == real_ones
    assert fake == [half, half, half]
EOF
