"""An exception inside the model passes through, says where it happened, and leaves nothing behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.grad_mode import inference_mode
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack
from torch.utils.flop_counter import FlopCounterMode

from pytest_torchgraph import record, trace
from pytest_torchgraph.capture import recording as recording_file
from tests.capture.small import Calls, example

X = example(4, 8)
CLASSES = nn.Linear, nn.Sequential, nn.ReLU, Calls


class Strange(Exception):
    """An exception that no library knows."""


def surroundings() -> tuple[object, ...]:
    """All that a recording changes while it is open."""
    return (
        tuple(_get_current_dispatch_mode_stack()),
        nn.Module.__call__,
        nn.Module.__call__.__code__,
        tuple(kind.forward for kind in CLASSES),
        inference_mode.__enter__,
        inference_mode.__exit__,
        threading.Thread.start,
        threading.Thread.run,
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        gc.isenabled(),
        torch._C._dispatch_has_kernel_for_dispatch_key("aten::scaled_dot_product_attention", "CPU"),
        tuple(recording_file._open),
    )


def notes_of(error: BaseException) -> list[str]:
    return list(getattr(error, "__notes__", ()))


def in_operation() -> nn.Module:
    return nn.Sequential(nn.ReLU(), nn.Sequential(nn.Linear(3, 3)))


def in_module() -> nn.Module:
    def forward(module: Any, x: Tensor) -> Tensor:
        raise Strange("module")

    return nn.Sequential(nn.ReLU(), nn.Sequential(Calls(forward)))


def in_hook() -> nn.Module:
    def hook(*_: Any) -> None:
        raise Strange("hook")

    hooked = nn.Linear(8, 8)
    hooked.register_forward_hook(hook)
    return nn.Sequential(nn.ReLU(), nn.Sequential(hooked))


def interrupted() -> nn.Module:
    def forward(module: Any, x: Tensor) -> Tensor:
        raise KeyboardInterrupt

    return nn.Sequential(nn.ReLU(), nn.Sequential(Calls(forward)))


def stopping() -> nn.Module:
    def forward(module: Any, x: Tensor) -> Tensor:
        raise SystemExit(3)

    return nn.Sequential(nn.ReLU(), nn.Sequential(Calls(forward)))


FAILING: dict[str, tuple[Callable[[], nn.Module], type[BaseException], str]] = {
    "operation": (in_operation, RuntimeError, "in 1.0 (Linear), in operation aten.addmm.default, after 2 operations"),
    "module": (in_module, Strange, "in 1.0 (Calls), after 1 operation"),
    "hook": (in_hook, Strange, "in 1.0 (Linear), after 3 operations"),
    "interrupt": (interrupted, KeyboardInterrupt, "in 1.0 (Calls), after 1 operation"),
    "exit": (stopping, SystemExit, "in 1.0 (Calls), after 1 operation"),
}


@pytest.mark.parametrize("kind", FAILING)
def test_an_exception_keeps_its_type_and_names_its_place(kind: str) -> None:
    make, error, place = FAILING[kind]
    before = surroundings()
    with pytest.raises(error) as caught:
        trace(make(), X)
    assert type(caught.value) is error
    assert notes_of(caught.value) == [f"while recording Sequential: {place}"]
    assert surroundings() == before
    assert trace(nn.Linear(8, 8), X).op_counts["aten.addmm"] == 1


@pytest.mark.parametrize("kind", FAILING)
def test_an_exception_in_a_recorded_block_leaves_nothing_behind(kind: str) -> None:
    make, error, place = FAILING[kind]
    model, before = make(), surroundings()
    with pytest.raises(error) as caught, record(model):
        model(X)
    assert notes_of(caught.value) == [f"while recording Sequential: {place}"]
    assert surroundings() == before


def test_the_surroundings_are_changed_while_recording() -> None:
    before = surroundings()
    with record(nn.Linear(8, 8)):
        during = surroundings()
    assert sum(one != other for one, other in zip(before, during, strict=True)) >= 8
    assert surroundings() == before


def test_an_output_that_raises_when_it_is_walked_leaves_nothing_behind() -> None:
    class Hostile(dict):
        def items(self) -> Any:
            raise Strange("output")

    before = surroundings()
    with pytest.raises(Strange):
        trace(Calls(lambda module, x: Hostile(x=x)), X)
    assert surroundings() == before


def test_an_exception_that_the_model_catches_is_no_failure() -> None:
    def forward(module: Any, x: Tensor) -> Any:
        try:
            return module.wrong(x)
        except RuntimeError:
            return x.sin()

    graph = trace(Calls(forward, wrong=nn.Linear(3, 3)), X)
    assert graph.scopes[graph.operations[-1].scope].path == ""
    assert graph.op_counts["aten.sin"] == 1
    assert graph.op_counts["aten.addmm"] == 0


def test_the_note_names_where_it_happened_last() -> None:
    def forward(module: Any, x: Tensor) -> Any:
        try:
            return module.wrong(x)
        except RuntimeError as error:
            raise Strange("again") from error

    with pytest.raises(Strange) as caught:
        trace(Calls(forward, wrong=nn.Linear(3, 3)), X)
    assert notes_of(caught.value) == ["while recording Calls: in Calls, after 1 operation"]


def test_an_exception_in_a_thread_comes_out_where_it_is_awaited() -> None:
    def forward(module: Any, x: Tensor) -> Any:
        failures: list[BaseException] = []

        def work() -> None:
            try:
                module.wrong(x)
            except RuntimeError as error:
                failures.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        raise failures[0]

    before = surroundings()
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        trace(Calls(forward, wrong=nn.Linear(3, 3)), X)
    assert surroundings() == before


def test_a_mode_that_was_open_around_the_trace_stays_open() -> None:
    with FlopCounterMode(display=False) as counter:
        before = surroundings()
        trace(nn.Linear(8, 8), X)
        assert surroundings() == before
    assert counter.get_total_flops() == 2 * 4 * 8 * 8


def test_a_failing_warmup_run_raises_and_records_nothing() -> None:
    before = surroundings()
    with pytest.raises(Strange):
        trace(in_module(), X, warmup=1)
    assert surroundings() == before
