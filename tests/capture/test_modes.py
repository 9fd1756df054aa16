"""Modes and profilers of others: the recorder leaves them as they are, or says clearly that it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _python_dispatch
from torch.utils._python_dispatch import TorchDispatchMode

from pytest_torchgraph import trace
from pytest_torchgraph.capture.entering import RecorderRemoved
from pytest_torchgraph.capture.outside import is_any_active, outside_modes
from tests.capture.small import example

STACK: Any = _python_dispatch
X = example(4, 8)


class Open(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def opens(x: Tensor) -> Tensor:
    Open().__enter__()
    return x + 1


def closes(x: Tensor) -> Tensor:
    STACK._pop_mode()
    return x + 1


@pytest.fixture(autouse=True)
def outside_of_modes() -> Iterator[None]:
    """Afterwards PyTorch takes itself to be in no mode, as before."""
    yield
    assert not STACK._get_current_dispatch_mode_stack()
    assert not STACK.is_in_torch_dispatch_mode()
    assert not STACK.is_in_any_mode_without_ignore_compile_internals()


@pytest.mark.skipif(torch.__version__ < "2.10", reason="leaving a mode that was left open ends the process there")
def test_the_recorder_comes_off_the_stack_when_a_model_leaves_a_mode_open() -> None:
    graph = trace(opens, X)
    (left,) = STACK._get_current_dispatch_mode_stack()
    assert STACK.is_in_torch_dispatch_mode()
    left.__exit__(None, None, None)
    assert isinstance(left, Open)
    assert graph.notes == ("the model leaves the dispatch mode Open open",)
    assert trace(lambda x: x + 1, X) == trace(lambda x: x + 1, X)


@pytest.mark.skipif(torch.__version__ < "2.10", reason="leaving a mode that was left open ends the process there")
def test_it_comes_off_when_the_model_then_raises() -> None:
    def raises(x: Tensor) -> Tensor:
        opens(x)
        raise KeyError

    with pytest.raises(KeyError):
        trace(raises, X)
    (left,) = STACK._get_current_dispatch_mode_stack()
    left.__exit__(None, None, None)


def test_a_model_that_takes_the_recorder_off_is_told_so() -> None:
    with pytest.raises(RecorderRemoved, match="what it did afterwards is not recorded"):
        trace(closes, X)
    assert not STACK._get_current_dispatch_mode_stack()


@pytest.mark.parametrize("inside", ["parameter", "input"])
def test_a_real_model_under_a_mode_of_fake_tensors_is_refused_with_what_to_do(inside: str) -> None:
    model = nn.Linear(8, 8) if inside == "parameter" else torch.sin
    with FakeTensorMode(), pytest.raises(TypeError, match="is a real tensor: leave the mode to record a real run"):
        trace(model, torch.ones(4, 8) if inside == "parameter" else X)


def test_modes_that_come_before_dispatch_are_put_aside_too() -> None:
    seen: list[bool] = []

    def traced(x: Tensor) -> Tensor:
        seen.append(is_any_active())
        with outside_modes():
            seen.append(is_any_active())
        return x + 1

    make_fx(traced, pre_dispatch=True)(torch.ones(2))
    assert seen == [True, False]
    assert not is_any_active()


def test_a_profiler_of_the_user_goes_on() -> None:
    with torch.profiler.profile() as profiler:
        with pytest.raises(ValueError, match="one is running"):
            trace(nn.Linear(8, 8), X, allocator=True)
        X.sin()
    assert any(event.name == "aten::sin" for event in profiler.events() or ())


def test_tracing_inside_the_model_says_that_it_cannot_be_recorded() -> None:
    class Traces(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return torch.jit.trace(lambda x: x.view(x.shape[0] // 2, -1) + 1, x)(x)

    with pytest.raises(RuntimeError) as raised:
        trace(Traces(), X)
    assert "pytorch#130726" in "\n".join(vars(raised.value).get("__notes__", []))


@pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node")
def test_a_linearized_function_is_proved() -> None:
    def linearized(x: Tensor) -> Tensor:
        made: Tensor = torch.func.linearize(torch.sin, x)[1](x)
        return made

    assert len(trace(linearized, X, verify=True).notes) == 1


def test_one_object_given_twice_is_one_object_in_the_proof() -> None:
    library = torch.library.Library("asks", "DEF")
    library.define("same(Tensor a, Tensor b) -> Tensor")
    library.impl("same", lambda a, b: a + 1 if a is b else a + 2, "CompositeExplicitAutograd")
    try:
        notes = [trace(run, X, verify=True).notes for run in (asks_once, asks_twice)]
    finally:
        library._destroy()
    assert [len(one) for one in notes] == [1, 1]


def asks_once(x: Tensor) -> Tensor:
    made: Tensor = torch.ops.asks.same(x, x)
    return made


def asks_twice(x: Tensor) -> Tensor:
    made: Tensor = torch.ops.asks.same(x, x.detach())
    return made
