#!/usr/bin/env bash
# nn.Linear is one addmm on a transposed matrix, but a transposed batch of sequences is copied, multiplied and then added to: three kernels, and a copy that autograd keeps.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

cd "$room"
"$room/venv/bin/python" -W ignore - <<'EOF'
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

print("torch", torch.__version__)


class Work(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        if not operation.is_view and operation.overloadpacket is not torch.ops.aten._unsafe_view:
            self.names.append(operation.overloadpacket.__name__)
        return operation(*args, **(kwargs or {}))


def work(x):
    with torch.no_grad(), Work() as done:
        layer(x)
    return done.names


layer = nn.Linear(4, 5)
inputs = {
    "a matrix, transposed": torch.ones(4, 6).t(),
    "sequences": torch.ones(2, 3, 4),
    "sequences, transposed": torch.ones(3, 2, 4).transpose(0, 1),
    "4-D": torch.ones(2, 3, 2, 4),
    "4-D, transposed": torch.ones(3, 2, 2, 4).transpose(0, 1),
}
found = {name: work(x) for name, x in inputs.items()}
for name, names in found.items():
    print(f"{name}: {names}")
for name, names in found.items():
    folded = name == "a matrix, transposed" or "transposed" not in name
    assert names == (["addmm"] if folded else ["clone", "mm", "add"])


def kept(x):
    sizes = set()
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: sizes.add(tensor.data_ptr()) or tensor, lambda kept: kept):
        layer(x)
    return x.data_ptr() in sizes


print("autograd keeps the input itself:", {name: kept(x) for name, x in inputs.items()})
assert kept(inputs["sequences"]) and not kept(inputs["sequences, transposed"])
EOF
