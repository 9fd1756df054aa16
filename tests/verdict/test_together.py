"""Operations of many kinds that came in one module are one edit, in both directions; of few kinds each is counted."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.verdict.drift import judge
from pytest_torchgraph.verdict.finding import Finding


class Net(nn.Module):
    """A head and a loss, which may smooth its labels, and a body that may be scaled."""

    def __init__(self, smoothing: float = 0.0, *, scaled: bool = False) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(8, 8), nn.Linear(8, 5)
        self.smoothing, self.scaled = smoothing, scaled

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)
        if self.scaled:
            x = (x * 2).sin()
        labels = torch.zeros(4, dtype=torch.long)
        return functional.cross_entropy(self.head(x), labels, label_smoothing=self.smoothing)


def told(before: Graph, after: Graph) -> tuple[Finding, ...]:
    return judge(compare(before.canonical, after.canonical), same_backend=True).findings


def run(model: nn.Module) -> Graph:
    return trace(model, torch.ones(4, 8), backward=torch.mean)


def test_many_kinds_of_operations_in_one_module_are_one_finding_that_counts_them() -> None:
    plain, smooth = run(Net()), run(Net(0.1))
    (there, *_), (back, *_) = told(plain, smooth), told(smooth, plain)
    assert there.title.startswith(f"{there.size} operations more: +")
    assert back.title.startswith(f"{there.size} operations fewer: -")
    named = [part for part in there.title.partition(": ")[2].split(", ") if part.startswith("+")]
    assert len(named) == 3
    for part in named:
        count, name = part.split(" ")
        before, after = (sum(packet_of(each.name) == name for each in graph.operations) for graph in (plain, smooth))
        assert after - before == int(count)


def test_two_kinds_of_operations_are_each_counted() -> None:
    titles = [finding.title for finding in told(run(Net()), run(Net(scaled=True)))]
    assert any(title.startswith("+1 aten.sin (0 -> 1)") for title in titles)
    assert not any("operations more" in title for title in titles)
