"""Tensors are named wherever they lie in what goes in and what comes out."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, UserDict, namedtuple
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import BatchEncoding, DynamicCache
from transformers.modeling_outputs import BaseModelOutput

from pytest_torchgraph import trace
from pytest_torchgraph.capture.binding import InputsDoNotFit
from pytest_torchgraph.graph import Graph
from tests.capture.small import Calls, example

Pair = namedtuple("Pair", ["left", "right"])  # noqa: PYI024 -- models return these
X = example(4, 8)


@dataclasses.dataclass
class Result:
    loss: Tensor
    parts: list[Any]


class Slotted:
    __slots__ = ("empty", "value")

    def __init__(self, value: Tensor) -> None:
        self.value = value


class Plain:
    def __init__(self, value: Any) -> None:
        self.value = value
        self.me = self


def inputs(graph: Graph) -> list[str]:
    return [path for path, _ in graph.inputs]


def outputs(graph: Graph) -> list[str]:
    return [path for path, _ in graph.outputs]


def model(x: Tensor, mask: Tensor | None = None, **rest: Any) -> Tensor:
    return x if mask is None else x * mask


@pytest.mark.parametrize(
    "mapping",
    [
        {"x": X, "mask": X},
        UserDict(x=X, mask=X),
        BatchEncoding({"x": X, "mask": X}),
        OrderedDict(x=X, mask=X),
    ],
    ids=lambda mapping: type(mapping).__name__,
)
def test_a_mapping_is_taken_as_keyword_arguments(mapping: Any) -> None:
    graph = trace(model, mapping)
    assert inputs(graph) == ["x", "mask"]
    assert graph.op_counts["aten.mul"] == 1


def test_arguments_are_named_by_parameter() -> None:
    assert inputs(trace(model, (X,), {"mask": X, "extra": X})) == ["x", "mask", "extra"]
    assert inputs(trace(lambda *values: sum(values), (X, X))) == ["values.0", "values.1"]
    assert inputs(trace(lambda values: values[0], [X, X])) == ["values.0", "values.1"]


def test_a_named_tuple_is_one_argument() -> None:
    assert inputs(trace(lambda pair: pair.left + pair.right, Pair(X, X))) == ["pair.left", "pair.right"]


def test_tensors_deep_inside_arguments_are_named() -> None:
    given = {"a": [Pair(X, (Result(X, [X]),))], 1: Plain(X)}
    graph = trace(lambda given: X, (given,))
    assert inputs(graph) == ["given.a.0.left", "given.a.0.right.0.loss", "given.a.0.right.0.parts.0", "given.1.value"]


RETURNED = {
    "tensor": (lambda x: x, [""]),
    "tuple": (lambda x: (x, (x,)), ["0", "1.0"]),
    "mapping": (lambda x: {"a": x, 1: [x]}, ["a", "1.0"]),
    "dataclass": (lambda x: Result(x, [Pair(x, x)]), ["loss", "parts.0.left", "parts.0.right"]),
    "model output": (
        lambda x: BaseModelOutput(last_hidden_state=x, hidden_states=(x, x)),
        ["last_hidden_state", "hidden_states.0", "hidden_states.1"],
    ),
    "user mapping": (lambda x: UserDict(a=x), ["a"]),
    "object": (lambda x: Plain([x]), ["value.0"]),
    "slots": (Slotted, ["value"]),
    "set": (lambda x: {x}, ["0"]),
    "nothing": (lambda x: None, []),
    "no tensors": (lambda x: ("loss", 3, None), []),
    "named result of an operation": (lambda x: x.max(1), ["0", "1"]),
}


@pytest.mark.parametrize("kind", RETURNED)
def test_outputs_are_named_by_their_place(kind: str) -> None:
    function, paths = RETURNED[kind]
    assert outputs(trace(lambda x: function(x + 1), X)) == paths


def test_an_output_lies_as_deep_as_it_likes_in_lists() -> None:
    def forward(x: Tensor) -> Any:
        nested: Any = x + 1
        for _ in range(30):
            nested = [nested]
        return nested

    assert outputs(trace(forward, X)) == [".".join("0" * 30)]


def test_an_output_that_cannot_be_looked_into_is_passed_over() -> None:
    class Hostile:
        def __getattr__(self, name: str) -> Any:
            raise ValueError(name)

        def __len__(self) -> int:
            raise ValueError

        __hash__ = None  # type: ignore[assignment]

    assert outputs(trace(lambda x: (Hostile(), x + 1), X)) == ["1"]


def test_an_output_that_is_an_input_is_that_input() -> None:
    graph = trace(Calls(lambda module, x: (x, x.T)), X)
    storage = graph.inputs[0][1].storage
    assert [reference.storage for _, reference in graph.outputs] == [storage, storage]


def test_a_cache_is_looked_into_and_left_as_it_was() -> None:
    def forward(module: Any, x: Tensor, cache: DynamicCache) -> Any:
        cache.update(x[None, None], x[None, None], 0)
        return cache

    cache = DynamicCache()
    cache.update(X[None, None], X[None, None], 0)
    graph = trace(Calls(forward), (X, cache))
    assert inputs(graph) == ["args.0", "args.1.layers.0.keys", "args.1.layers.0.values"]
    assert outputs(graph) == ["layers.0.keys", "layers.0.values"]
    assert cache.get_seq_length() == 4
    assert trace(Calls(forward), (X, cache)) == graph


def test_inputs_that_do_not_fit_are_refused_before_anything_runs() -> None:
    ran: list[bool] = []

    def forward(x: Tensor, mask: Tensor) -> None:
        ran.append(True)

    with pytest.raises(InputsDoNotFit) as caught:
        trace(forward, (X,), {"musk": X})
    message = str(caught.value)
    assert "the inputs do not fit forward(" in message
    assert "missing a required argument: 'mask'" in message
    assert "Given: (Tensor, musk=Tensor)" in message
    assert not ran


def test_a_generator_is_refused_because_it_has_not_run() -> None:
    def stream(x: Tensor) -> Iterator[Tensor]:
        yield x + 1

    with pytest.raises(TypeError, match=r"stream returned a generator.*\n?.*list\(model\(\*args\)\)"):
        trace(stream, X)
    assert trace(lambda x: list(stream(x)), X).op_counts["aten.add"] == 1


def test_a_coroutine_is_refused_because_it_has_not_run() -> None:
    async def later(x: Tensor) -> Tensor:
        return x + 1

    with pytest.raises(TypeError, match=r"later returned a coroutine.*asyncio\.run"):
        trace(later, X)


def test_the_number_of_warmup_runs_is_kept() -> None:
    runs: list[int] = []

    def forward(x: Tensor) -> Tensor:
        runs.append(1)
        return x + 1

    graph = trace(forward, X, warmup=2)
    assert len(runs) == 3
    assert graph.op_counts["aten.add"] == 1
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("model", [torch.nn.Linear(8, 8), torch.nn.Bilinear(8, 8, 8)])
def test_a_list_that_the_model_does_not_take_is_hinted_at(model: Any) -> None:
    with pytest.raises(TypeError) as raised:
        trace(model, [X, X])
    notes: list[str] = getattr(raised.value, "__notes__", [])
    assert notes[-1].startswith("args is a list, and a list is one argument; several arguments")


def test_a_list_without_tensors_and_a_tuple_get_no_hint() -> None:
    for args in ([1], (X, 3)):
        with pytest.raises(TypeError) as raised:
            trace(torch.nn.Linear(8, 8), args)
        assert not any("a list is one argument" in note for note in getattr(raised.value, "__notes__", ()))


@pytest.mark.parametrize("kwargs", ["name", X, [("x", 1)]])
def test_keyword_arguments_that_are_no_mapping_are_refused(kwargs: Any) -> None:
    with pytest.raises(InputsDoNotFit, match="kwargs is a mapping of keyword arguments, not"):
        trace(torch.nn.Linear(8, 8), X, kwargs)


def test_a_module_that_a_function_is_given_is_the_model_by_the_name_of_its_argument() -> None:
    def predict(model: nn.Module, x: Tensor, *, head: nn.Module) -> Any:
        return head(model(x))

    model, head = nn.Sequential(nn.Linear(8, 8)), nn.Linear(8, 2)
    graph = trace(predict, (model, torch.randn(3, 8)), {"head": head})
    assert graph.memory.parameter_bytes == sum(p.nbytes for part in (model, head) for p in part.parameters())
    assert {scope.path for scope in graph.scopes} >= {"model", "model.0", "head"}
    sided = trace(lambda *given: given[0](given[1]), (model, torch.randn(3, 8)))
    assert {scope.path for scope in sided.scopes} >= {"args.0", "args.0.0"}
