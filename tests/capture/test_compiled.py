"""Compiled callables run eagerly while they are recorded, and compile again afterwards."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._higher_order_ops.while_loop import while_loop
from torch.nn.attention.flex_attention import flex_attention

from pytest_torchgraph import trace
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


def test_conditions_and_loops_are_one_operation() -> None:
    def forward(module: Any, x: Tensor) -> Any:
        y = torch.cond(x.sum() > 0, lambda x: x.sin(), lambda x: x.cos(), (x,))
        return while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * 2), (torch.tensor(0), y))

    graph = trace(Calls(forward), example(4, 8))
    assert graph.op_counts["higher_order.cond"] == 1
    assert graph.op_counts["higher_order.while_loop"] == 1


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
from pytest_torchgraph import trace
from pytest_torchgraph.graph import expanded
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write

class Chosen(torch.nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda x: x.sin(), lambda x: x.cos(), (x,))

assert "torch._dynamo" not in sys.modules
print(trace(Chosen(), torch.ones(3), verify={verify}).op_counts["higher_order.cond"])
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
    from pytest_torchgraph import trace
    query = torch.ones(1, 2, 4, 8)
    first, second = (trace(lambda q: flex_attention(q, q, q), query) for _ in range(2))
    assert first.count("attention") == 1
    assert first == second
    flex_attention(query, query, query)
    """
    subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], check=True, timeout=120)
