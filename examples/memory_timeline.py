"""What memory is used for, operation by operation.

    python examples/memory_timeline.py [TRACE]

TRACE is where a timeline for https://ui.perfetto.dev is written.
"""

import sys

import torch
from torch import nn

from pytest_torchgraph import trace
from pytest_torchgraph.tracking.export import export

model = nn.Sequential(*(nn.Sequential(nn.Linear(256, 256), nn.GELU()) for _ in range(6)))
inputs = torch.randn(128, 256)

graph = trace(model, inputs, backward=True, timing=3)
memory = graph.memory

rows = 24
for row in range(rows):
    at = row * (len(graph.operations) - 1) // (rows - 1)
    operation, live = graph.operations[at], memory.timeline[at]
    kinds = memory.by_category(at)
    bar = "".join(
        mark * round(40 * kinds[kind] / memory.peak)
        for kind, mark in (("parameters", "P"), ("saved", "S"), ("gradients", "G"), ("temporaries", "t"))
    )
    print(f"{operation.phase:8} {live / 2**20:6.2f} MiB  {bar:42} {operation.packet}")

peak = graph.operations[memory.peak_at]
print()
print(f"peak: {memory.peak / 2**20:.2f} MiB at {peak.packet} of module {graph.scopes[peak.scope].path!r}")
print(f"kept by the forward pass for the backward one: {memory.saved_for_backward / 2**20:.2f} MiB")

if len(sys.argv) > 1:
    print(f"timeline: {export(graph, sys.argv[1], 'chrome')}")
