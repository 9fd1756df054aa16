"""A sync that an optimizer makes for each parameter belongs to the loop; one before the loop does not."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from pytest_torchgraph import trace
from pytest_torchgraph.graph import expanded
from pytest_torchgraph.snapshot.writer import write


class Descent(torch.optim.Optimizer):
    """Reads its rate on the host: once, or for each parameter."""

    def __init__(self, parameters: Any, *, each: bool) -> None:
        super().__init__(parameters, {"rate": torch.tensor(0.5)})
        self.each = each

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            rate = group["rate"].item()
            for parameter in group["params"]:
                parameter.sub_(parameter.grad, alpha=group["rate"].item() if self.each else rate)


def loop_of(*, each: bool) -> list[str]:
    """What the snapshot says of the optimizer."""
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    optimizer = Descent(model.parameters(), each=each)
    graph = trace(model, torch.ones(2, 4), backward=True, optimizer=optimizer)
    assert expanded(graph.canonical) == graph
    lines = write(graph.canonical, test="t", recorded="r").splitlines()
    return [line.strip() for line in lines[lines.index("  phase optimizer: Descent -> none") + 1 :]]


def test_a_sync_before_the_loop_stays_before_it() -> None:
    assert loop_of(each=False)[:4] == [
        "constant f32[]",
        "_local_scalar_dense(%constant)",
        "for each of 4 parameters -> none",
        "sub_(parameter:f32[*], grad:f32[*], alpha=0.5)",
    ]


def test_a_sync_for_each_parameter_is_a_line_of_the_loop() -> None:
    lines = loop_of(each=True)
    assert lines[:5] == [
        "constant f32[]",
        "_local_scalar_dense(%constant)",
        "for each(%constant) of 4 parameters -> none",
        "_local_scalar_dense(%in0)",
        "sub_(parameter:f32[*], grad:f32[*], alpha=0.5)",
    ]
