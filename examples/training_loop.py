"""A training loop, one step of which is tracked.

python examples/training_loop.py
"""

import torch
from torch import nn

from pytest_torchgraph.tracking import ComputationalGraphTracker

model = nn.Sequential(nn.Linear(32, 128), nn.GELU(), nn.Linear(128, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
tracker = ComputationalGraphTracker(model)


def step(data: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """One step of training."""
    optimizer.zero_grad()
    loss = criterion(model(data), target)
    loss.backward()
    optimizer.step()
    return loss


for number in range(5):
    data, target = torch.randn(64, 32), torch.randint(0, 10, (64,))
    if number == 3:
        # The first step makes the optimizer's state: a later one is like all that follow.
        with tracker:
            loss = step(data, target)
    else:
        loss = step(data, target)
    print(f"step {number}: loss {loss.item():.3f}")

graph = tracker.graph
for phase, count in tracker.get_graph_summary()["phases"].items():
    seconds = graph.timing.of(operation.index for operation in graph.operations if operation.phase == phase)
    print(f"{phase}: {count} operations, {seconds * 1000:.2f} ms")
for line in dict.fromkeys(sync.source.line for sync in graph.syncs):
    print(f"line {line} makes the host wait for the device")
