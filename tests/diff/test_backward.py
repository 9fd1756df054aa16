"""Backward work corresponds to the forward call that it is for, whatever other work looks like it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.diff.change import Added, Altered, Change, Removed
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.graph import Graph
from tests.capture.small import Calls


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))


def step(function: Callable[..., Tensor]) -> Graph:
    torch.manual_seed(0)
    return trace(Calls(function, first=net(), second=net()), torch.ones(4, 8), backward=torch.mean)


def changes(before: Graph, after: Graph) -> list[Change]:
    return list(compare(before.canonical, after.canonical).changes)


def in_a_row(m: Any, x: Tensor, *, cut: bool) -> Tensor:
    found = m.first(x)
    made: Tensor = m.second(found.detach() if cut else found)
    return made


def test_a_backward_call_is_not_taken_for_that_of_another_module_that_does_the_same() -> None:
    graphs = [step(lambda m, x, cut=cut: in_a_row(m, x, cut=cut)) for cut in (True, False)]
    found = changes(*graphs)
    assert not [change for change in found if isinstance(change, Altered)]
    added = {(str(change.site.scope), change.site.name) for change in found if isinstance(change, Added)}
    assert added == {("backward", "first"), ("backward second.0", "aten.mm.default")}


def test_the_gradient_of_a_weight_is_not_taken_for_that_of_an_input() -> None:
    def both(m: Any, x: Tensor, *, cut: bool) -> Tensor:
        found = m.first(x)
        made: Tensor = found + m.second(found.detach() if cut else found)
        return made

    graphs = [step(lambda m, x, cut=cut: both(m, x, cut=cut)) for cut in (True, False)]
    names = [change.site.name for change in changes(*graphs) if isinstance(change, Added)]
    assert names == ["aten.mm.default", "aten.add.Tensor"]
    assert not [change for change in changes(*graphs) if isinstance(change, Altered)]


def test_backward_work_that_went_tells_the_forward_operation_it_was_for() -> None:
    def weighed(m: Any, x: Tensor, *, cut: bool) -> Tensor:
        found = m.first(x)
        weight = found.square().sigmoid()
        return found * (weight.detach() if cut else weight)

    before, after = (step(lambda m, x, cut=cut: weighed(m, x, cut=cut)) for cut in (False, True))
    near = {
        change.site.name: after.operations[change.near].name
        for change in changes(before, after)
        if isinstance(change, Removed) and change.near is not None
    }
    assert near["aten.sigmoid_backward.default"] == "aten.sigmoid.default"


def test_a_copy_of_what_lies_otherwise_now_follows_from_that() -> None:
    def attend(_: Any, x: Tensor, *, contiguous: bool) -> Tensor:
        q = x.view(2, 6, 2, 8).transpose(1, 2)
        q = q.contiguous() if contiguous else q
        return scaled_dot_product_attention(q, q, q).transpose(1, 2).reshape(2, 6, 16)

    before, after = (
        trace(Calls(lambda m, x, flag=flag: attend(m, x, contiguous=flag)), torch.ones(2, 6, 16))
        for flag in (False, True)
    )
    came = [change.follows for change in changes(before, after) if isinstance(change, Added)]
    went = [change.follows for change in changes(after, before) if isinstance(change, Removed)]
    assert came == went == [False, True]
