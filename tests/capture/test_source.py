"""Operations know the line of the user's code that asked for them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import pytest
import torch
import typing_extensions
from torch import Tensor, nn
from torch.nn import functional

from pytest_torchgraph import record, trace
from pytest_torchgraph.capture.source import is_user_code
from pytest_torchgraph.graph import Graph
from tests.capture.small import Calls, example

X = example(4, 8)


def line_of(graph: Graph, packet: str) -> str:
    """The text of the line that *packet* is told to come from."""
    (operation,) = (entry for entry in graph.operations if entry.packet == packet)
    assert operation.source is not None
    assert operation.source.file == __file__
    with open(__file__, encoding="utf-8") as source:  # noqa: PTH123 -- a line, not a path
        return source.readlines()[operation.source.line - 1].strip()


def through_functional(module: Any, x: Tensor) -> Tensor:
    x = x + 1
    return functional.gelu(x)  # functional


def through_module(module: Any, x: Tensor) -> Any:
    return module.mix(x)  # module


def through_sequential(module: Any, x: Tensor) -> Any:
    return nn.Sequential(nn.Sequential(module.mix))(x)  # sequential


def through_method(module: Any, x: Tensor) -> Tensor:
    return x.gelu() if hasattr(x, "gelu") else functional.gelu(x)  # method


def through_comprehension(module: Any, x: Tensor) -> list[Any]:
    return [
        module.mix(part)  # comprehension
        for part in [x]
    ]


def through_several_lines(module: Any, x: Tensor) -> Tensor:
    return functional.gelu(
        torch.sin(  # inner
            x,
        ),
    )


@pytest.mark.parametrize(
    ("function", "packet", "comment"),
    [
        (through_functional, "aten.gelu", "functional"),
        (through_module, "aten.addmm", "module"),
        (through_sequential, "aten.addmm", "sequential"),
        (through_method, "aten.gelu", "method"),
        (through_comprehension, "aten.addmm", "comprehension"),
        (through_several_lines, "aten.sin", "inner"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_the_line_is_the_first_outside_torch(function: Callable[..., Any], packet: str, comment: str) -> None:
    graph = trace(Calls(function, mix=nn.Linear(8, 8)), X)
    assert line_of(graph, packet).endswith(f"# {comment}")


def test_a_call_over_several_lines_is_told_by_one_of_them() -> None:
    graph = trace(Calls(through_several_lines), X)
    lines, start = inspect.getsourcelines(through_several_lines)
    (gelu,) = (entry for entry in graph.operations if entry.packet == "aten.gelu")
    assert gelu.source is not None
    assert start < gelu.source.line < start + len(lines)
    assert gelu.source.function == "through_several_lines"


def test_a_hook_is_told_by_its_own_line() -> None:
    model = nn.Linear(8, 8)
    model.register_forward_hook(lambda module, args, output: output.sin())  # hook
    assert line_of(trace(model, X), "aten.sin").endswith("# hook")


class Tripled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        del ctx
        return x * 3

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        del ctx
        return grads[0].atan()  # custom


def test_what_code_of_the_user_does_in_a_backward_pass_has_its_own_line_and_the_rest_the_forward_one() -> None:
    kept = []

    def forward(_: nn.Module, x: Tensor) -> Tensor:
        x = (x + 1).requires_grad_()
        x.register_hook(lambda grad: kept.append(grad.tan()))  # hook
        return Tripled.apply(x.sin())  # forward

    graph = trace(Calls(forward), X, backward=True)
    assert line_of(graph, "aten.tan").endswith("# hook")
    assert line_of(graph, "aten.atan").endswith("# custom")
    assert line_of(graph, "aten.cos").endswith("# forward")


def test_a_decorated_forward_is_told_by_its_own_line() -> None:
    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    @decorated
    @torch.no_grad()
    def forward(module: Any, x: Tensor) -> Tensor:
        return x.sin()  # decorated

    assert line_of(trace(Calls(forward), X), "aten.sin").endswith("# decorated")


def test_a_deprecated_function_is_told_by_its_own_line() -> None:
    @typing_extensions.deprecated("old", category=None)
    def old(x: Tensor) -> Tensor:
        return torch.sin(x)  # old

    assert line_of(trace(Calls(lambda _, x: old(x)), X), "aten.sin").endswith("# old")
    assert not is_user_code(typing_extensions.deprecated.__call__.__code__)


def test_a_model_of_torch_alone_is_told_by_the_line_that_traces_it() -> None:
    graph = trace(nn.Linear(8, 8), X)  # traced
    assert line_of(graph, "aten.addmm").endswith("# traced")


def test_an_attention_call_knows_its_line() -> None:
    def forward(module: Any, x: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(x, x, x)  # attention

    graph = trace(Calls(forward), example(1, 2, 4, 8))
    source = graph.calls[0].source
    assert source is not None
    with open(source.file, encoding="utf-8") as text:  # noqa: PTH123 -- a line, not a path
        assert text.readlines()[source.line - 1].strip().endswith("# attention")


def test_the_command_that_runs_a_model_is_no_line_of_the_user() -> None:
    code = compile("model(inputs)", "/usr/bin/torchgraph", "exec")
    model = torch.nn.Linear(2, 2)
    with record(model) as recording:
        exec(code, {"model": model, "inputs": torch.ones(1, 2)})  # noqa: S102 -- stands for the installed script
    assert all(operation.source and operation.source.file == __file__ for operation in recording.graph.operations)
