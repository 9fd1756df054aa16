#!/usr/bin/env bash
# A weight of eight bits by torchao tells four bytes an element in dtype, nbytes and storage, at address 0; its file is a quarter.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 torchao==0.18.0

"$room/venv/bin/python" -W ignore - <<'EOF'
import io

import torch
import torchao
from torch import nn
from torchao.quantization import Int8WeightOnlyConfig, quantize_

print("torch", torch.__version__, "torchao", torchao.__version__)
model = nn.Linear(64, 64, bias=False)
quantize_(model, Int8WeightOnlyConfig())
weight = model.weight
file = io.BytesIO()
torch.save(model.state_dict(), file)
told = weight.nbytes, weight.untyped_storage().nbytes(), weight.data_ptr()
print(f"{weight.dtype}, nbytes {told[0]}, its storage {told[1]} at {told[2]}; saved in {len(file.getvalue())} bytes")
assert weight.dtype == torch.float32
assert told == (64 * 64 * 4, 64 * 64 * 4, 0)
assert 64 * 64 < len(file.getvalue()) < 2 * 64 * 64
EOF
