"""A compiled model is recorded: its graphs node by node, what runs beside them, and what the compiler says."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.analysis.tally import UnknownName
from pytest_torchgraph.capture.compiling.options import CompileOptions
from pytest_torchgraph.capture.compiling.session import NotCompiled
from pytest_torchgraph.capture.options import Options
from pytest_torchgraph.capture.tracing import repeated
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.compilation import Compilation
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write

pytest.importorskip("torch._dynamo")


class Block(nn.Module):
    def __init__(self, between: Callable[[Tensor], object] | None = None) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(8), nn.Linear(8, 16), nn.Linear(16, 8)
        self.between = between

    def forward(self, x: Tensor) -> Tensor:
        wide = self.up(self.norm(x)).relu()
        if self.between is not None:
            self.between(wide)
        return x + self.down(wide)


class Net(nn.Module):
    def __init__(self, between: Callable[[Tensor], object] | None = None) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Block(), Block(between), Block()])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x.sigmoid()


def X(batch: int = 3) -> Tensor:  # noqa: N802 -- as a constant would be
    return torch.linspace(-1, 1, 8 * batch).reshape(batch, 8)


def made(graph: Graph) -> Compilation:
    assert graph.compilation is not None
    return graph.compilation


def called(model: Any, *inputs: Any, **options: Any) -> Graph:
    """The graph of a compiled call with the first of *inputs*, the others coming after it."""
    others: tuple[Any, ...] = tuple(((one,), {}) for one in inputs[1:])
    backward = options.pop("backward", None)
    chosen = Options(compiled=CompileOptions(others=others, **options), backward=backward)
    with repeated(model, inputs[0], None, chosen) as run:
        return run()


def shout(_: Tensor) -> None:
    print("!")  # noqa: T201 -- a graph break  # here


def test_a_model_without_breaks_is_one_graph_forward_and_backward() -> None:
    graph = trace(Net(), X(), compiled=True, backward=True)
    (one,) = made(graph).graphs
    assert (one.number, one.module, one.line.function, one.runs, made(graph).breaks) == (1, "", "forward", 1, ())
    assert (one.forward, one.backward) == (16, 27)
    assert made(graph).uncompiled == 0
    assert {operation.graph for operation in graph.operations if operation.name == "aten.addmm.default"} == {1}
    up = next(one for one in graph.operations if graph.scopes[one.scope].path == "layers.1.up" and not one.is_view)
    assert up.source is not None
    assert (up.source.file, up.source.function) == (__file__, "forward")
    text = write(graph.canonical, test="t", recorded="r")
    assert read(text).program == graph.canonical
    assert '\ngraph 1 forward 16 in "" at forward test_recording.py\ngraph 1 backward 27\n' in text


def test_what_is_saved_is_what_the_compiler_chose_to_save() -> None:
    eager, compiled = (trace(Net(), X(), compiled=one, backward=True).memory.saved for one in (False, True))
    assert compiled is not None
    assert eager is not None
    assert 0 < compiled <= eager
    alone = trace(Net(), X(), compiled=True).memory.saved
    assert alone is not None
    assert 0 < alone <= compiled


def test_a_break_is_told_once_with_its_id_line_and_module(capsys: pytest.CaptureFixture[str]) -> None:
    whole, broken = (trace(Net(one), X(), compiled=True) for one in (None, shout))
    capsys.readouterr()
    (told,) = made(broken).breaks
    assert (told.id, told.module, told.line.function) == ("GB0059", "layers.1", "shout")
    assert told.line.text.endswith("# here")
    assert told.line.source is not None
    assert told.line.source.file == __file__
    assert told.frames[-1] == told.line.source
    assert len(made(broken).graphs) == 4
    assert broken.canonical.root == whole.canonical.root


def test_a_branch_has_one_title_whether_the_compiled_function_or_one_that_it_calls_takes_it() -> None:
    def branches(x: Tensor) -> Tensor:
        return x * 2 if x.sum() > 1e9 else x

    outer = trace(branches, X(), compiled=True)
    inner = trace(lambda x: branches(x) + 1, X(), compiled=True)
    assert {one.title for graph in (outer, inner) for one in made(graph).breaks} == {
        "Data-dependent branching (GB0170)"
    }


def test_one_graph_serves_all_layers_of_a_kind_and_each_keeps_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    with torch.no_grad():
        graph = trace(Net(shout), X(), compiled=True)
    capsys.readouterr()
    first = made(graph).graphs[0]
    assert (first.module, first.runs) == ("layers.0", 2)
    paths = {graph.scopes[one.scope].path for one in graph.operations if one.graph == first.number}
    assert {"layers.0.up", "layers.2.up"} <= paths
    assert not any(path.startswith("layers.1") for path in paths)


def test_what_runs_between_graphs_is_recorded_and_counted() -> None:
    graph = trace(Net(lambda wide: wide.sum().item()), X(), compiled=True)
    (told,) = made(graph).breaks
    assert told.id == "GB0124"
    assert [one.name for one in graph.operations if one.is_sync] == ["aten._local_scalar_dense.default"]
    assert [one.graph for one in graph.operations if one.is_sync] == [None]
    assert made(graph).uncompiled >= 1


def test_a_break_inside_of_the_standard_library_is_told_where_the_user_called_it() -> None:
    graph = trace(Net(lambda _: logging.getLogger("a").info("b")), X(), compiled=True)
    (told,) = made(graph).breaks
    assert told.id
    assert told.line.source is not None
    assert told.line.source.file == __file__


def test_other_sizes_are_compiled_again_and_say_which_guard_failed() -> None:
    graph = called(Net(), X(3), X(5), X(7))
    (told,) = made(graph).recompiles
    assert told.guard == "tensor 'x' size mismatch at index 0. expected 3, actual 5"
    assert told.line.function == "forward"
    assert [one.dynamic for one in made(graph).graphs] == [(), ("x[0]",)]
    assert [one.runs for one in made(graph).graphs] == [1, 0]
    assert made(called(Net(), X(3), X(5), dynamic=True)).recompiles == ()


def test_an_attribute_that_counts_calls_is_compiled_again_by_the_second_call() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.calls = 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return x * self.calls

    model = Counting()
    (told,) = made(trace(model, X(), compiled=True)).recompiles
    assert told.guard == "self.calls == 0"
    assert model.calls == 0


@pytest.mark.parametrize("times", [3, pytest.param(10, marks=pytest.mark.long)])
def test_recordings_are_equal_whatever_was_compiled_between(times: int) -> None:
    first = called(Net(), X(3), X(5))
    for _ in range(times - 1):
        torch.compile(Net(), backend="eager")(X(2))
        again = called(Net(), X(3), X(5))
        assert again == first
    assert made(again).graphs[0].guards == made(first).graphs[0].guards


def test_the_users_own_compiled_model_works_as_before() -> None:
    graphs = []

    def backend(module: torch.fx.GraphModule, _: Any) -> Any:
        graphs.append(module)
        return module.forward

    model = Net()
    compiled = torch.compile(model, backend=backend)
    expected = compiled(X())
    trace(compiled, X(), compiled=True, backward=True)
    assert len(graphs) == 1
    assert torch.equal(compiled(X()), expected)
    compiled(X())
    assert len(graphs) == 2
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_model_compiled_in_place_is_recorded_and_stays_compiled() -> None:
    model = Net()
    model.compile(backend="eager")
    call = model._compiled_call_impl
    assert len(made(trace(model, X(), compiled=True)).graphs) == 1
    assert model._compiled_call_impl is call


def test_who_listens_to_the_compiler_and_what_it_counted_is_as_before() -> None:
    from torch._dynamo import utils
    from torch._dynamo.callback import callback_handler

    def listen(*_: Any) -> None:
        pass

    callback_handler.register_start_callback(listen)
    utils.counters["mine"]["kept"] = 7
    reasons = list(utils.graph_break_reasons)
    handlers = list(logging.getLogger("torch.__trace").handlers)
    try:
        trace(Net(lambda wide: wide.sum().item()), X(), compiled=True)
        assert listen in callback_handler.start_callbacks
        assert dict(utils.counters["mine"]) == {"kept": 7}
        assert list(utils.graph_break_reasons) == reasons
        assert logging.getLogger("torch.__trace").handlers == handlers
    finally:
        callback_handler.remove_start_callback(listen)
        del utils.counters["mine"]


def test_what_a_compiled_call_writes_is_put_back() -> None:
    model = nn.Sequential(nn.BatchNorm1d(8), nn.Dropout(0.5)).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    draws = torch.get_rng_state()
    graph = trace(model, X(), compiled=True, backward=True)
    assert len(made(graph).graphs) == 1
    assert torch.equal(torch.get_rng_state(), draws)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_inductor_decomposes_and_eager_has_no_backward_graph() -> None:
    model = Block()
    names = {
        backend: {one.name for one in trace(model, X(), compiled=backend, backward=True).operations}
        for backend in ("eager", "aot_eager", "inductor")
    }
    assert "aten.native_layer_norm.default" in names["aot_eager"] & names["eager"]
    assert "aten.native_layer_norm.default" not in names["inductor"]
    assert made(trace(model, X(), compiled="eager", backward=True)).graphs[0].backward is None
    with pytest.raises(ValueError, match="expected one of 'eager', 'aot_eager', 'inductor'"):
        trace(model, X(), compiled="indoctor")  # type: ignore[arg-type]


def test_nothing_is_recorded_where_nothing_would_be_compiled() -> None:
    with torch.compiler.set_stance("force_eager"), pytest.raises(NotCompiled, match="force_eager"):
        trace(Block(), X(), compiled=True)
    with torch._dynamo.config.patch(disable=True), pytest.raises(NotCompiled, match="TORCH_COMPILE_DISABLE"):
        trace(Block(), X(), compiled=True)


def test_a_function_that_is_not_compiled_is_one_break() -> None:
    quiet = torch._dynamo.disable(lambda wide: wide + 1)
    graph = trace(Block(quiet), X(), compiled=True)
    assert [one.id for one in made(graph).breaks] == ["GB0098"]
    assert "aten.add.Tensor" in [one.name for one in graph.operations if one.graph is None]


def test_two_options_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="compiled= excludes"):
        trace(Block(), X(), compiled=True, verify=True)


def test_a_part_of_a_compiled_graph_is_selected_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    graph = trace(Net(shout), X(), compiled=True, backward=True)
    capsys.readouterr()
    first = made(graph).graphs[0]
    assert len(graph.select(phase="graph 1 forward")) + len(graph.select(phase="graph 1 backward")) == sum(
        one.graph == first.number for one in graph.operations
    )
    with pytest.raises(UnknownName, match=r"there is no phase 'graph 9 forward'.*graph 1 forward"):
        graph.select(phase="graph 9 forward")
