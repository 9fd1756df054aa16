#!/usr/bin/env bash
# A pickled graph module of torch.fx loses the meta of its nodes, but for the stack of modules; a deep copy keeps all.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
import copy
import io

import torch
from torch import fx, nn

print("torch", torch.__version__)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, x):
        return self.linear(x).relu()


def kept(module):
    return [sorted(node.meta) for node in module.graph.nodes]


traced = fx.symbolic_trace(Block())
for node in traced.graph.nodes:
    node.meta["note"] = node.name
file = io.BytesIO()
torch.save(traced, file)
file.seek(0)
loaded = torch.load(file, weights_only=False)
print("traced:", kept(traced), "copied:", kept(copy.deepcopy(traced)), "saved and loaded:", kept(loaded), sep="\n  ")
assert kept(copy.deepcopy(traced)) == kept(traced)
assert kept(traced) == [["note"], ["nn_module_stack", "note"], ["note"], ["note"]]
assert kept(loaded) == [[], ["nn_module_stack"], [], []]
EOF
