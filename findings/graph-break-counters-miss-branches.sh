#!/usr/bin/env bash
# Dynamo's counter of graph breaks knows a break at print(), and not one at a branch on a tensor; both make two graphs.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
import torch
import torch._dynamo
from torch._dynamo.utils import counters

print("torch", torch.__version__)


def branching(x):
    x = x + 1
    if x.sum() > 0:
        return x * 2
    return x * 3


def printing(x):
    x = x + 1
    print(end="")
    return x * 2


def compiled(function):
    """How many graphs there are, and how many breaks the counter has."""
    torch._dynamo.reset()
    counters.clear()
    graphs = []

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    torch.compile(function, backend=backend)(torch.ones(3))
    return len(graphs), sum(counters["graph_break"].values())


print("printing: graphs, counted breaks", compiled(printing))
print("branching: graphs, counted breaks", compiled(branching))
assert compiled(printing) == (2, 1)
assert compiled(branching) == (2, 0)
assert torch._dynamo.explain(branching)(torch.ones(3)).graph_break_count == 1
EOF
