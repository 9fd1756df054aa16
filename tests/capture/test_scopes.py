"""Every module call is a scope, however the module is called."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import compare, record, trace
from pytest_torchgraph.graph import Graph
from tests.capture.small import Calls, example


def paths(graph: Graph) -> list[str]:
    """The scopes in order of their start, the root left out."""
    return [scope.path for scope in graph.scopes[1:]]


def places(graph: Graph, packet: str) -> list[str]:
    """Where operations called *packet* ran."""
    return [graph.scopes[entry.scope].path for entry in graph.operations if entry.packet == packet]


def linear() -> nn.Linear:
    return nn.Linear(8, 8)


X = example(4, 8)


def test_a_module_called_by_its_forward_is_a_scope() -> None:
    graph = trace(Calls(lambda module, x: module.inner.forward(x), inner=nn.Sequential(linear(), nn.ReLU())), X)
    assert paths(graph) == ["inner", "inner.0", "inner.1"]
    assert places(graph, "aten.relu") == ["inner.1"]


def test_a_call_and_its_forward_are_one_scope() -> None:
    graph = trace(Calls(lambda module, x: module.a.forward(module.a(x)), a=linear()), X)
    assert paths(graph) == ["a", "a"]
    assert places(graph, "aten.addmm") == ["a", "a"]


def test_a_forward_that_goes_on_in_itself_is_one_scope() -> None:
    class Twice(nn.Module):
        def forward(self, x: Tensor, again: bool = True) -> Tensor:
            return self.forward(x.sin(), again=False) if again else x.cos()

    graph = trace(Calls(lambda module, x: module.a(x), a=Twice()), X)
    assert [(scope.path, scope.parent) for scope in graph.scopes] == [("", None), ("a", 0)]


def test_a_module_called_twice_has_two_scopes() -> None:
    graph = trace(Calls(lambda module, x: module.a(module.a(x)), a=linear()), X)
    assert paths(graph) == ["a", "a"]
    assert [scope.operations[1] - scope.operations[0] for scope in graph.scopes[1:]] == [2, 2]


def test_a_module_shared_by_two_parents_keeps_its_first_name() -> None:
    shared = linear()
    model = Calls(lambda module, x: module.b(module.a(x)), a=nn.Sequential(shared), b=nn.Sequential(shared))
    graph = trace(model, X)
    assert paths(graph) == ["a", "a.0", "b", "a.0"]
    assert graph.scopes[4].parent == 3


def test_scopes_nest_and_their_ranges_hold_those_inside() -> None:
    graph = trace(nn.Sequential(nn.Sequential(linear(), nn.ReLU()), nn.Sequential(nn.ReLU())), X)
    for scope in graph.scopes[1:]:
        assert scope.parent is not None
        start, end = graph.scopes[scope.parent].operations
        assert start <= scope.operations[0] <= scope.operations[1] <= end
    assert graph.scopes[0].operations == (0, len(graph.operations))
    assert graph.scopes[0].class_name == "Sequential"


def test_names_that_are_no_identifiers_are_kept() -> None:
    names = ["a b", "é%", "{i}", "None", "a-1", "class"]
    model = nn.Sequential()
    for name in names:
        model.add_module(name, nn.ReLU())
    assert paths(trace(model, X)) == names


def test_a_recursive_module_has_a_scope_per_call() -> None:
    class Recursive(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = linear()

        def forward(self, x: Tensor, depth: int = 2) -> Any:
            return self.mix(x) if depth == 0 else self(x, depth - 1) + 1

    graph = trace(Recursive(), X)
    assert [(scope.path, scope.parent) for scope in graph.scopes] == [("", None), ("", 0), ("", 1), ("mix", 2)]


def test_a_module_made_in_forward_is_named_by_its_class_without_a_number() -> None:
    graph = trace(Calls(lambda module, x: nn.ReLU()(nn.Sequential(nn.Tanh())(nn.ReLU()(x)))), X)
    assert paths(graph) == ["ReLU", "Sequential", "Sequential.0", "ReLU"]


def test_a_module_passed_as_an_argument_is_a_scope() -> None:
    graph = trace(Calls(lambda module, inner, x: inner(x)), (linear(), X))
    assert paths(graph) == ["Linear"]


def test_hooks_work_inside_the_scope_of_their_module() -> None:
    model = nn.Sequential(linear())
    model[0].register_forward_pre_hook(lambda module, args: (args[0].sin(),))
    model[0].register_forward_hook(lambda module, args, output: output.cos())
    graph = trace(model, X)
    assert places(graph, "aten.sin") == places(graph, "aten.addmm") == places(graph, "aten.cos") == ["0"]


def test_a_module_with_a_forward_of_its_own_keeps_it() -> None:
    inner = linear()
    plain = inner.forward

    def own(x: Tensor) -> Tensor:
        return plain(x) + 1

    inner.forward = own  # type: ignore[method-assign, assignment]
    graph = trace(Calls(lambda module, x: module.inner(x), inner=inner), X)
    assert paths(graph) == ["inner"]
    assert inner.__dict__["forward"] is own


def test_modules_and_their_classes_are_as_they_were_afterwards() -> None:
    model = nn.Sequential(linear(), nn.ReLU())
    code = nn.Module.__call__.__code__
    before = nn.Module.__call__, nn.Linear.forward, nn.ReLU.forward, nn.Sequential.forward
    trace(model, X)
    assert all("forward" not in module.__dict__ for module in model.modules())
    assert nn.Module.__call__.__code__ is code
    assert (nn.Module.__call__, nn.Linear.forward, nn.ReLU.forward, nn.Sequential.forward) == before


def test_modules_are_followed_where_another_tool_has_wrapped_their_call(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, seen = nn.Module.__call__, []

    def wrapper(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        seen.append(type(module).__name__)
        return plain(module, *args, **kwargs)

    monkeypatch.setattr(nn.Module, "__call__", wrapper)
    graph = trace(nn.Sequential(linear(), nn.ReLU()), X)
    assert paths(graph) == ["0", "1"]
    assert seen == ["Sequential", "Linear", "ReLU"]


def test_forward_looks_like_itself_while_it_is_watched() -> None:
    seen: dict[str, Any] = {}

    def forward(module: Any, x: Tensor) -> Tensor:
        seen["parameters"] = list(inspect.signature(module.mix.forward).parameters)
        seen["owner"] = module.mix.forward.__self__ is module.mix
        seen["name"] = module.mix.forward.__qualname__
        return x

    trace(Calls(forward, mix=linear()), X)
    assert seen == {"parameters": ["input"], "owner": True, "name": "Linear.forward"}


def test_a_class_that_calls_the_forward_of_its_parent_is_one_scope() -> None:
    class Child(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + 1

    assert paths(trace(nn.Sequential(Child(8, 8)), X)) == ["0"]


def test_scripted_and_symbolic_modules_are_scopes() -> None:
    scripted = torch.jit.script(nn.Sequential(linear(), nn.ReLU()))
    symbolic = torch.fx.symbolic_trace(nn.Sequential(linear(), nn.ReLU()))
    graph = trace(Calls(lambda module, x: module.a(module.b(x)), a=scripted, b=symbolic), X)
    assert paths(graph) == ["b", "b.0", "b.1", "a"]
    assert graph.op_counts["aten.relu"] == 2
    assert ("parameter", "a.0.weight") in {(storage.kind, storage.name) for storage in graph.storages}


def test_data_parallel_on_cpu_passes_through() -> None:
    assert paths(trace(nn.DataParallel(linear()), X)) == ["module"]


# What can be traced beside modules.


class Pipeline:
    def __init__(self) -> None:
        self.mix = linear()

    def __call__(self, x: Tensor) -> Any:
        return self.mix(x)

    def run(self, x: Tensor) -> Any:
        return self.mix(x)


def closure() -> Any:
    mix = linear()

    def step(x: Tensor) -> Any:
        return mix(x)

    return step


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix = linear()

    def encode(self, x: Tensor, *, scale: float = 1.0) -> Any:
        return self.mix(x) * scale


TARGETS = {
    "closure": (closure(), "step"),
    "bound method of an object": (Pipeline().run, "run"),
    "callable object": (Pipeline(), "Pipeline"),
    "bound method of a module": (Encoder().encode, "Encoder.encode"),
    "partial of a bound method": (functools.partial(Encoder().encode, scale=2.0), "Encoder.encode"),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_the_modules_behind_a_callable_are_named(kind: str) -> None:
    function, name = TARGETS[kind]
    graph = trace(function, X)
    assert graph.scopes[0].class_name == name
    assert paths(graph) == ["mix"]
    assert graph.memory.parameter_bytes == (64 + 8) * 4


def test_a_partial_of_a_module_is_the_module() -> None:
    graph = trace(functools.partial(linear(), X))
    assert graph.scopes[0].class_name == "Linear"
    assert paths(graph) == []


def test_a_lambda_and_a_builtin_are_traced() -> None:
    assert trace(lambda x: x + 1, X).op_counts["aten.add"] == 1
    assert trace(torch.sin, X).op_counts["aten.sin"] == 1
    assert trace(lambda: torch.ones(3) + 1).op_counts["aten.add"] == 1


def test_the_forward_of_a_module_is_the_module() -> None:
    model = nn.Sequential(linear())
    graph = trace(model.forward, X)
    assert graph.scopes[0].class_name == "Sequential"
    assert paths(graph) == ["0"]


@pytest.mark.parametrize("wrong", [3, "model", None, [nn.Linear(2, 2)], torch.zeros(2)])
def test_what_cannot_be_called_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"the model must be callable, not .*pass a torch\.nn\.Module"):
        trace(wrong, X)


@pytest.mark.parametrize("use", [lambda: trace(nn.ReLU, X), lambda: record(nn.ReLU).__enter__()])
def test_a_class_of_modules_is_refused_where_an_instance_is_meant(use: Any) -> None:
    with pytest.raises(TypeError, match=r"must be an instance, not the class ReLU: pass ReLU\(\.\.\.\)"):
        use()


# Threads.


def test_a_thread_records_in_the_scope_that_started_it() -> None:
    def forward(module: Any, x: Tensor) -> Any:
        results = []
        thread = threading.Thread(target=lambda: results.append(torch.sin(module.mix(x))))
        thread.start()
        thread.join()
        return results[0]

    model = nn.Sequential(Calls(forward, mix=linear()))
    graph = trace(model, X)
    assert places(graph, "aten.sin") == ["0"]
    assert places(graph, "aten.addmm") == ["0.mix"]


def test_two_threads_do_not_mix_up_their_scopes() -> None:
    def forward(module: Any, x: Tensor) -> Any:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda inner: inner(x), [module.a, module.b] * 8))

    plain = threading.Thread.start, threading.Thread.run
    graph = trace(Calls(forward, a=nn.Sequential(nn.Tanh()), b=nn.Sequential(nn.Sigmoid())), X)
    assert places(graph, "aten.tanh") == ["a.0"] * 8
    assert places(graph, "aten.sigmoid") == ["b.0"] * 8
    assert (threading.Thread.start, threading.Thread.run) == plain


@pytest.mark.parametrize("before", [0, 40])
def test_what_a_thread_made_is_not_told_to_be_caused_by_other_work(before: int) -> None:
    """Each thread numbers its nodes from 0: whatever this one has come to, none is taken for one of its own."""

    def forward(module: Any, x: Tensor) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return module.here(pool.submit(module.there, x).result())

    def traced() -> Graph:
        for _ in range(before):
            X.clone().requires_grad_().sin()
        graph = trace(Calls(forward, here=linear(), there=nn.Sequential(linear(), nn.Tanh())), X, backward=True)
        assert {graph.scopes[one.scope].path for one in graph.select(phase="backward")} == {""}
        return graph

    with ThreadPoolExecutor(1) as pool:  # where nothing was numbered before
        graph = pool.submit(traced).result()
    found = compare(graph, traced())
    assert not found.drifted, str(found)


def test_operations_of_coroutines_are_recorded() -> None:
    class Asynchronous(nn.Module):
        async def forward(self, x: Tensor) -> Tensor:
            await asyncio.sleep(0)
            return x.sin()

    async def both(module: Any, x: Tensor) -> Any:
        return await asyncio.gather(module.a(x), module.b(x))

    model = Calls(lambda module, x: asyncio.run(both(module, x)), a=Asynchronous(), b=Asynchronous())
    assert trace(model, X).op_counts["aten.sin"] == 2


# Recording a block of the user's own code.


def test_a_recorded_block_names_the_modules_of_the_model() -> None:
    model = nn.Sequential(linear(), nn.ReLU())
    with record(model) as recording:
        model(X)
        model[0](X)
    assert paths(recording.graph) == ["", "0", "1", "0"]


def test_a_recorded_block_without_a_model_names_modules_by_class() -> None:
    model = nn.Sequential(linear())
    with record() as recording:
        model(X)
    assert paths(recording.graph) == ["Sequential", "Sequential.0"]


def test_an_open_recording_has_no_graph_yet() -> None:
    with record() as recording, pytest.raises(RuntimeError, match=r"still open: read \.graph after"):
        _ = recording.graph


def test_a_recording_inside_another_is_refused_and_the_outer_one_goes_on() -> None:
    with record() as recording:
        with pytest.raises(RuntimeError, match="a recording of record is open in this process"):
            trace(linear(), X)
        torch.ones(1).sin()
    assert recording.graph.op_counts["aten.sin"] == 1
    assert trace(linear(), X).op_counts["aten.addmm"] == 1


def test_a_forward_that_looks_whether_it_is_its_classes_own_stays_so() -> None:
    class Layer(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.relu()

    plain = Layer.forward

    def forward(self: Layer, x: Tensor) -> Tensor:
        return plain(self, x) if type(self).forward is forward else x.tanh()

    Layer.forward = forward  # type: ignore[method-assign]
    assert [operation.name for operation in trace(Layer(), torch.ones(2)).operations] == ["aten.relu.default"]
