"""What is told first of independent edits, and what a change costs in FLOPs."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pytest_torchgraph import compare, trace
from pytest_torchgraph.comparison import Comparison
from pytest_torchgraph.graph import Graph

WIDTH, TOKENS = 256, 64


class Waves(nn.Module):
    """Sometimes work element by element; a layer of its own in any case."""

    def __init__(self, *, sines: bool) -> None:
        super().__init__()
        self.sines = sines

    def forward(self, x: Tensor) -> Tensor:
        return (x.sin()[:, :1] + x if self.sines else x) * 2


class Net(nn.Module):
    """A layer; behind it sometimes another, one that makes little of few tokens, and waves."""

    def __init__(self, edits: str) -> None:
        super().__init__()
        self.edits = edits
        self.waves = Waves(sines="sines" in edits)
        self.layer, self.scores, self.few = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        if "products" in self.edits:
            x = x + self.scores(x).sum()
        if "one product" in self.edits:
            x = x + self.few(x[:1])
        return self.waves(x)


def graph(edits: str) -> Graph:
    return trace(Net(edits), (torch.ones(TOKENS, WIDTH),))


def titles(comparison: Comparison) -> list[str]:
    return [finding.title for finding in comparison.verdict.failing]


def test_products_come_before_what_writes_a_little_more() -> None:
    plain, edited = graph(""), graph("products, sines")
    leading, second = compare(plain, edited).verdict.failing[:2]
    assert "Linear" in leading.title
    assert leading.cost < second.cost


def test_few_products_come_after_what_writes_much_more() -> None:
    assert "Linear" not in titles(compare(graph(""), graph("one product, sines")))[0]


def test_a_new_module_comes_before_the_operations_that_read_what_it_returns() -> None:
    for edits in (("", "one product"), ("one product", "")):
        leading, second = compare(*map(graph, edits)).verdict.failing[:2]
        assert "Linear" in leading.title
        assert second.kind == "operation"
        assert leading.cost < second.cost


def test_flops_that_moved_are_told_beside_the_peak() -> None:
    plain, edited = graph(""), graph("products")
    before, after = plain.flops.at_least, edited.flops.at_least
    assert after - before == 2 * TOKENS * WIDTH * WIDTH
    assert "FLOPs 8.39 M -> 16.8 M (+100.0%)" in str(compare(plain, edited))
    assert "FLOPs 16.8 M -> 8.39 M (-50.0%)" in str(compare(edited, plain))


def test_flops_that_did_not_move_are_not_told() -> None:
    assert "FLOPs" not in str(compare(graph(""), graph("sines")))


def test_flops_that_are_known_in_part_are_not_told() -> None:
    pinv = trace(torch.linalg.pinv, (torch.ones(4, 4),))
    assert pinv.flops.unknown
    assert "FLOPs" not in str(compare(graph(""), pinv))
