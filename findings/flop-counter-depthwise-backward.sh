#!/usr/bin/env bash
# PyTorch's FLOP counter takes the weight gradient of a grouped convolution times the number of groups.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

print("torch", torch.__version__)
convolution = nn.Conv2d(32, 32, 3, groups=32, padding=1, bias=False)
with FlopCounterMode(display=False) as forward:
    result = convolution(torch.randn(1, 32, 16, 16, requires_grad=True))
with FlopCounterMode(display=False) as backward:
    result.sum().backward()

# Each of the two gradients is as much work as the forward pass: 2 x 16 x 16 positions x 32 channels x 9 weights.
right = 2 * forward.get_total_flops()
counted = backward.get_total_flops()
print(f"forward {forward.get_total_flops()}, backward {counted}, which should be {right}")
assert forward.get_total_flops() == 2 * 16 * 16 * 32 * 9
assert counted == forward.get_total_flops() * (1 + 32)
EOF
