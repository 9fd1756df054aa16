#!/usr/bin/env bash
# An exported program keeps composite operations, and run_decompositions({}) leaves them: its nodes are not what the dispatcher sees.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

print("torch", torch.__version__)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.norm = nn.Linear(4, 4), nn.LayerNorm(4)

    def forward(self, x):
        return self.norm(self.linear(x))


class Log(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.names.append(str(operation))
        return operation(*args, **(kwargs or {}))


def operations(program):
    return [str(node.target) for node in program.graph.nodes if node.op == "call_function"]


block, x = Block(), torch.ones(2, 4)
program = torch.export.export(block, (x,))
with torch.no_grad(), Log() as log:
    block(x)
print("exported:", operations(program))
print("decomposed by {}:", operations(program.run_decompositions({})))
print("dispatched:", log.names)
assert operations(program) == ["aten.linear.default", "aten.layer_norm.default"]
assert operations(program.run_decompositions({})) == operations(program)
assert log.names == ["aten.t.default", "aten.addmm.default", "aten.native_layer_norm.default"]
EOF
