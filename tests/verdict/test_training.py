"""What a training step does beside forward and backward is told as what it is."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from pytest_torchgraph.capture.recording import record
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.graph.graph import Graph
from pytest_torchgraph.verdict.drift import judge
from pytest_torchgraph.verdict.finding import Finding


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.GELU(), nn.Linear(32, 4))


def step(*, clip: bool = True, autocast: bool = False, **options: Any) -> Graph:
    """A step written by hand with AdamW, whose gradients may be clipped before it."""
    model, xs = net(), [torch.ones(4, 8) for _ in range(2)]
    optimizer = torch.optim.AdamW(model.parameters(), **options)

    def once() -> None:
        for x in xs:
            with torch.autocast("cpu", enabled=autocast):
                loss = model(x).float().square().mean()
            loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    once()
    with record(model) as recording:
        once()
    return recording.graph


def told(before: Graph, after: Graph) -> tuple[Finding, ...]:
    return judge(compare(before.canonical, after.canonical), same_backend=True).findings


def test_an_optimizer_one_by_one_is_told_though_clipping_works_on_all_at_once() -> None:
    at_once, one_by_one = step(foreach=True), step(foreach=False)
    leading, back = told(at_once, one_by_one), told(one_by_one, at_once)
    assert leading[0].title == (
        "the optimizer works on 6 parameters one after the other, no longer at once by _foreach_ operations"
        " (optimizer.ops 21 -> 60)"
    )
    assert (leading[0].cause, back[0].cause) == ("unfused", "fused")
    assert not {finding.kind for finding in (*leading, *back)} & {"sync", "scope"}


def test_another_option_of_an_optimizer_that_works_at_once_is_no_fusion() -> None:
    plain, more = step(foreach=True), step(foreach=True, amsgrad=True)
    assert not {"fused", "unfused"} & {finding.cause for finding in (*told(plain, more), *told(more, plain))}
