#!/usr/bin/env bash
# Opacus counts forward passes on parameters: after one whose backward pass never came, the next step has no gradients of samples.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 opacus==1.6.0

"$room/venv/bin/python" -W ignore - <<'EOF'
import opacus
import torch
from torch import nn

print("opacus", opacus.__version__, "torch", torch.__version__)
x = torch.randn(4, 6)


def step(model):
    model.zero_grad()
    model(x).square().sum().backward()
    return [parameter.grad_sample is not None for parameter in model.parameters()]


def build():
    return opacus.GradSampleModule(nn.Linear(6, 2))


told = build()
print("a step:", step(told))
assert step(told) == [True, True]

looked_at = build()
looked_at(x)  # somebody looks at the output, in training mode and with gradients on
print("a step after a forward pass alone:", step(looked_at))
assert step(looked_at) == [False, False]
EOF
