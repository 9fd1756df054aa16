#!/usr/bin/env bash
# Under the stance force_eager, torch.cond runs its branches without autograd unless an operand requires grad: parameters that the branches hold get no gradient, and nothing says so.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

cd "$room"
cat > routed.py <<'EOF'
import torch
from torch import nn

print("torch", torch.__version__)


class Routed(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: self.left(x), lambda x: self.right(x), (x,))


def trained(stance, *, operand_requires_grad=False):
    model, x = Routed(), torch.ones(2, 3, requires_grad=operand_requires_grad)
    with torch.compiler.set_stance(stance):
        result = model(x).sum()
    if not result.requires_grad:
        return []
    result.backward()
    return [name for name, parameter in model.named_parameters() if parameter.grad is not None]


default, eager = trained("default"), trained("force_eager")
print("default stance, parameters with a gradient:", default)
print("force_eager, parameters with a gradient:", eager)
assert default == ["left.weight", "left.bias", "right.weight", "right.bias"]
assert eager == []

try:
    trained("force_eager", operand_requires_grad=True)
except AssertionError as error:
    print("force_eager, an operand that requires grad:", str(error).split(".")[0])
    assert "convert all Tensors to FakeTensors" in str(error)
else:
    raise SystemExit("an operand that requires grad is taken now")
EOF
"$room/venv/bin/python" -W ignore routed.py
