#!/usr/bin/env bash
# A program loaded from a .pt2 file has lost `tensor_meta` of every node and gained `val` on its output: FxGraphDrawer, which reads shapes from the former alone, draws it without any.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 pydot==4.0.1

cd "$room"
"$room/venv/bin/python" -W ignore - <<'EOF'
import torch
from torch import nn
from torch.fx.passes.graph_drawer import FxGraphDrawer

print("torch", torch.__version__)


def kept(program):
    return {node.name: sorted(set(node.meta) & {"val", "tensor_meta"}) for node in program.graph.nodes}


def shapes_drawn(program):
    drawn = FxGraphDrawer(program.graph_module, "model").get_dot_graph().to_string()
    return drawn.count("dtype=torch.float32")


program = torch.export.export(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), (torch.ones(2, 4),))
torch.export.save(program, "model.pt2")
loaded = torch.export.load("model.pt2")
for name, one in (("exported", program), ("loaded", loaded)):
    print(f"{name}: {kept(one)}; tensors drawn with their shape: {shapes_drawn(one)}")

both = ["tensor_meta", "val"]
assert all(names == both for node, names in kept(program).items() if node != "output")
assert kept(program)["output"] == []
assert all(names == ["val"] for names in kept(loaded).values())
assert shapes_drawn(program) == 5
assert shapes_drawn(loaded) == 0
EOF
