"""A canonical graph computes what its model computes: every edge, view and write is in it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.canonical.program import Block, Item, Program, Work
from pytest_torchgraph.capture.binding import as_call, bind, tensors_in
from pytest_torchgraph.capture.target import holdings_of, target_of
from pytest_torchgraph.capture.wrapper import unwrapped
from tests.canonical.replay import NotReplayable, Replay
from tests.capture.small import example
from tests.capture.test_awkward_tensors import AWKWARD
from tests.models import MODELS


def replayed(program: Program, model: Any, args: Any, kwargs: Mapping[str, Any]) -> dict[str, Tensor]:
    """What *program* computes with copies of the model's tensors and inputs."""
    leaves = {path: tensor for _, path, tensor in holdings_of(target_of(model).roots).leaves}
    inputs = bind(model, *as_call(args, kwargs))
    # All in one go, so that tensors which share memory still do.
    try:
        leaves, inputs = copy.deepcopy((leaves, inputs))
    except RuntimeError:
        raise NotReplayable("a tensor that cannot be copied") from None
    named = {path: tensor for name, value in inputs.items() for path, tensor in unwrapped(tensors_in(value, name))}
    with torch.no_grad():
        torch.manual_seed(0)
        return Replay(leaves, named).run(program)


def computed(model: Any, args: Any, kwargs: Mapping[str, Any]) -> dict[str, Tensor]:
    """What the model computes."""
    args, kwargs = as_call(args, kwargs)
    torch.manual_seed(0)
    return dict(unwrapped(tensors_in(model(*args, **kwargs))))


def assert_replays(model: Any, args: Any, kwargs: Mapping[str, Any]) -> None:
    trace(model, args, kwargs)  # a model may build caches in its first call
    program = trace(model, args, kwargs).canonical
    try:
        again = replayed(program, model, args, kwargs)
    except NotReplayable as reason:
        pytest.skip(str(reason))
    once = computed(model, args, kwargs)
    assert list(once) == list(again)
    for path, tensor in once.items():
        torch.testing.assert_close(again[path], tensor.detach(), rtol=0, atol=0, equal_nan=True, check_stride=False)


@pytest.mark.parametrize("trait", MODELS)
def test_a_model_is_computed_by_its_graph(trait: str) -> None:
    torch.manual_seed(0)
    found = MODELS[trait]()
    assert_replays(found.model, found.args, found.kwargs)


@pytest.mark.parametrize("function", AWKWARD, ids=lambda function: function.__name__)
def test_awkward_code_is_computed_by_its_graph(function: Any) -> None:
    assert_replays(function, example(4, 8), {})


def misread(items: tuple[Item, ...], name: str) -> tuple[Item, ...]:
    """*items* with the work called *name* reading its second operand in place of its first."""
    changed: list[Item] = []
    for item in items:
        if isinstance(item, Block):
            changed.append(replace(item, items=misread(item.items, name)))
        elif isinstance(item, Work) and item.name == name:
            changed.append(replace(item, arguments=(item.arguments[1], *item.arguments[1:])))
        else:
            changed.append(item)
    return tuple(changed)


def test_a_wrong_edge_computes_something_else() -> None:
    model, x = nn.Sequential(nn.Linear(8, 8), nn.Softmax(-1)), example(4, 8)
    function = nn.Sequential(model)
    program = trace(lambda x: function(x) - x, x).canonical
    root = replace(program.root, items=misread(program.root.items, "aten.sub.Tensor"))
    wrong = Program(
        run=program.run, metrics=program.metrics, peak_at=program.peak_at, root=root, outputs=program.outputs
    )
    leaves = {f"function.{path}": tensor.detach() for path, tensor in function.named_parameters()}
    right = Replay(leaves, {"x": x}).run(program)[""]
    assert torch.equal(right, (function(x) - x).detach())
    assert not torch.equal(Replay(leaves, {"x": x}).run(wrong)[""], right)
