"""Compiled callables run eagerly while they are recorded, and compile again afterwards."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._higher_order_ops.map import map as map_rows
from torch._higher_order_ops.scan import scan
from torch._higher_order_ops.while_loop import while_loop
from torch.nn.attention.flex_attention import flex_attention

from pytest_torchgraph import record, trace
from pytest_torchgraph.graph import expanded
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
from tests.capture.small import Bare, Calls, example

pytest.importorskip("torch._dynamo")


class Compiler:
    """A backend that counts what it was asked to compile."""

    def __init__(self) -> None:
        self.compiled = 0

    def __call__(self, graph: torch.fx.GraphModule, inputs: Any) -> Any:
        self.compiled += 1
        return graph.forward


@pytest.fixture(autouse=True)
def _fresh_compiler() -> None:
    torch._dynamo.reset()


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 8), nn.ReLU())


@pytest.mark.parametrize("fullgraph", [False, True])
def test_a_compiled_model_is_recorded_as_its_eager_self_and_compiles_afterwards(fullgraph: bool) -> None:
    compiler = Compiler()
    model = network()
    compiled = torch.compile(model, backend=compiler, fullgraph=fullgraph)
    x = example(4, 8)
    graph = trace(compiled, x)
    assert [operation.name for operation in graph.operations if not operation.is_view] == [
        "aten.addmm.default",
        "aten.relu.default",
    ]
    assert compiler.compiled == 0
    compiled(x)
    assert compiler.compiled == 1


def test_a_compiled_part_compiles_afterwards() -> None:
    compiler = Compiler()
    part: Any = torch.compile(nn.Linear(8, 8), backend=compiler, fullgraph=True)
    model = Calls(lambda module, x: module.part(x) + 1, part=part)
    x = example(4, 8)
    assert trace(model, x).op_counts["aten.addmm"] == 1
    model(x)
    assert compiler.compiled == 1


def test_a_model_that_was_compiled_before_stays_compiled() -> None:
    compiler = Compiler()
    compiled = torch.compile(network(), backend=compiler)
    x = example(4, 8)
    compiled(x)
    trace(compiled, x)
    compiled(x)
    assert compiler.compiled == 1


def test_a_bare_mode_keeps_a_compiled_model_from_compiling() -> None:
    compiler = Compiler()
    compiled = torch.compile(network(), backend=compiler)
    x = example(4, 8)
    with Bare():
        compiled(x)
    compiled(x)
    if torch.__version__ < "2.14":
        assert compiler.compiled == 0, "the guard against a poisoned compiler is no longer needed"


def branching(module: Any, x: Tensor) -> Any:
    return torch.cond(x.sum() > 0, lambda y: module.mix(y).sin(), lambda y: y.cos(), (x,))


def looping(module: Any, x: Tensor) -> Any:
    return while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, module.mix(y).sin()), (torch.tensor(0), x))[1]


def scanning(module: Any, x: Tensor) -> Any:
    return scan(lambda carry, y: (carry + y, module.mix(carry).sin()), torch.zeros(8), x)[1]


def mapping(module: Any, x: Tensor) -> Any:
    def turn(row: Any) -> Any:
        return module.mix(row).sin()

    return map_rows(turn, x)  # type: ignore[arg-type]


# Before 2.10, a scan asks once more what a turn returns.
CONTROL_FLOW = {branching: 1, looping: 3, scanning: 5 if torch.__version__ < "2.10" else 4, mapping: 4}


@pytest.mark.parametrize("forward", CONTROL_FLOW)
def test_what_control_flow_runs_is_recorded_with_its_gradients(forward: Callable[..., Any]) -> None:
    """The functions close over the parameters, which the operators alone would know nothing of."""
    model, times = Calls(forward, mix=nn.Linear(8, 8)), CONTROL_FLOW[forward]
    graph = trace(model, torch.ones(4, 8), backward=True)
    assert graph.op_counts["aten.sin"] == graph.op_counts["aten.addmm"] == times
    assert {graph.scopes[one.scope].path for one in graph.select(op="aten.addmm")} == {"mix"}
    assert len([name for storage in graph.storages if (name := storage.name) == "mix.weight.grad"]) == 1
    assert graph.notes == ()
    assert graph.canonical.run.engine == "eager"


def test_control_flow_that_is_exported_while_recording_is_exported_whole() -> None:
    def forward(module: Any, x: Tensor) -> Any:
        program = torch.export.export(Calls(branching, mix=module.mix), (x,))
        module.found = [str(node.target) for node in program.graph.nodes]
        return x.sin()

    model = Calls(forward, mix=nn.Linear(8, 8).requires_grad_(False))
    with record(model):
        model(example(4, 8))
    assert "cond" in model.found  # type: ignore[operator]


def test_flexible_attention_counts_as_attention() -> None:
    graph = trace(Calls(lambda module, q: flex_attention(q, q, q)), example(1, 2, 16, 8))
    assert graph.attention == 1
    assert graph.flops.exactly() == 2 * (2 * 2 * 16 * 16 * 8)


def test_exported_and_symbolically_traced_modules_are_recorded() -> None:
    x = example(4, 8)
    exported = torch.export.export(network(), (x,)).module()
    symbolic = torch.fx.symbolic_trace(network())
    for model in (exported, symbolic):
        assert trace(model, x).op_counts["aten.relu"] == 1


@pytest.mark.parametrize("verify", [False, True])
def test_an_operator_that_compiles_works_where_it_is_the_first_to_load_the_compiler(verify: bool) -> None:
    code = f"""
import sys
import textwrap
import torch
from pytest_torchgraph import record, trace
from pytest_torchgraph.graph import expanded
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write

class Chosen(torch.nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: x.sin(), lambda x: x.cos(), (x,))

assert "torch._dynamo" not in sys.modules
print(trace(Chosen(), torch.ones(3), verify={verify}).op_counts["aten.sin"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


def said(*names: str) -> tuple[str, ...]:
    ending = "the graph says nothing of what torch.compile makes of it"
    return tuple(f"compiled, but recorded as it runs eagerly: {name}; {ending}" for name in names)


def test_a_compiled_callable_that_ran_eagerly_is_said_so() -> None:
    @torch.compile(backend=Compiler())
    def doubled(x: Tensor) -> Tensor:
        return x * 2

    def run(module: nn.Module, x: Tensor) -> Tensor:
        made: Tensor = doubled(module.whole(module.inside(x)))  # type: ignore[operator]
        return made

    inside = nn.Linear(8, 8)
    inside.compile(backend=Compiler())
    whole: Any = torch.compile(network(), backend=Compiler())
    model = Calls(run, inside=inside, whole=whole)
    graph = trace(model, example(4, 8))
    assert graph.notes == said("Linear", "Sequential", "doubled")
    assert graph.origin.compiled
    assert graph.canonical.run.engine == "compiled-run-eagerly"
    text = write(graph.canonical, test="test", recorded="here")
    assert expanded(read(text).program).origin.compiled


def test_what_pytorch_compiles_for_itself_is_not_said_to_be_compiled() -> None:
    query = example(1, 2, 4, 8)
    graphs = [
        trace(lambda q: flex_attention(q, q, q), query),
        trace(lambda x: torch.cond(x.sum() > 0, torch.sin, torch.cos, (x,)), example(4)),
        trace(network(), example(4, 8)),
    ]
    assert [graph.notes for graph in graphs] == [(), (), ()]
    assert [graph.canonical.run.engine for graph in graphs] == ["eager"] * 3


def test_flexible_attention_is_recorded_in_a_fresh_process_and_works_there_afterwards() -> None:
    code = """
    import torch
    from torch.nn.attention.flex_attention import flex_attention
    from pytest_torchgraph import record, trace
    query = torch.ones(1, 2, 4, 8)
    first, second = (trace(lambda q: flex_attention(q, q, q), query) for _ in range(2))
    assert first.count("attention") == 1
    assert first == second
    flex_attention(query, query, query)
    """
    subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], check=True, timeout=120)
