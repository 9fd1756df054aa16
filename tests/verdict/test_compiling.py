"""Graph breaks and recompilations are told with id, reason and line; budgets limit them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.comparison import Comparison, compare
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.compilation import CodeLine, Kernels
from pytest_torchgraph.verdict.budget import check_budget
from pytest_torchgraph.verdict.measure import BudgetUnreadable
from tests.verdict.compilations import BREAK, LINE, RECOMPILE, compilation, compiled_graph
from tests.verdict.pairs import graph_of

WHOLE = compiled_graph()
BROKEN = compiled_graph(graphs=2, breaks=(BREAK,), uncompiled=1)


def test_a_new_graph_break_fails_with_its_id_reason_and_line() -> None:
    told = compare(WHOLE, BROKEN)
    assert told.verdict.status == "drift"
    assert str(told).splitlines() == [
        "before -> after: 1 -> 2 graphs; 1 new graph break: Data-dependent branching (GB0170)",
        "  layers.0  `if x.sum() > 0:` in forward   model.py:14",
        "  graphs 1 -> 2; graph_breaks 0 -> 1; uncompiled 0 -> 1",
        "  hint: one graph became several, with Python between them; TORCH_LOGS=graph_breaks tells why [graph-break]",
    ]


def test_a_graph_break_less_is_an_improvement_that_asks_to_be_recorded() -> None:
    verdict = compare(BROKEN, WHOLE).verdict
    assert verdict.status == "improved"
    assert verdict.findings[0].cause == "break-removed"


def test_a_new_recompilation_fails_with_the_guard_and_its_values() -> None:
    told = compare(WHOLE, compiled_graph(graphs=2, recompiles=(RECOMPILE,)))
    assert told.verdict.findings[0].title == (
        "1 -> 2 graphs; 1 new recompilation: tensor 'x' size mismatch at index 0. expected 2, actual 3"
    )
    assert told.verdict.findings[0].cause == "recompiled"
    assert "model.py:12" in str(told)


def test_a_break_is_told_before_the_recompilations_that_it_brings() -> None:
    both = compiled_graph(graphs=3, breaks=(BREAK,), recompiles=(RECOMPILE, replace(RECOMPILE, module="layers.1")))
    findings = compare(WHOLE, both).verdict.findings
    assert [finding.cause for finding in findings if finding.kind == "compile"] == ["graph-break", "recompiled"]


def test_another_pytorch_that_tells_a_break_otherwise_is_no_drift_and_this_one_is() -> None:
    other = compiled_graph(breaks=(replace(BREAK, id="GB0088", reason="Another word"),))
    one = compiled_graph(breaks=(BREAK,))
    assert compare(one, other).drifted
    machine = "python 3.11, linux x86_64, flops 0 (not compared)"
    told = Comparison.of(one.canonical, other.canonical, (f"torch 2.13.0, {machine}", f"torch 2.14.1, {machine}"))
    assert not told.drifted
    assert "GB0170" in told.verdict.findings[0].title


def test_a_break_in_a_module_of_another_name_is_the_same_break() -> None:
    moved = compiled_graph(breaks=(replace(BREAK, module="blocks.0"),))
    assert not compare(compiled_graph(breaks=(BREAK,)), moved).drifted


def test_other_symbolic_sizes_fail() -> None:
    verdict = compare(WHOLE, compiled_graph(dynamic=("x[0]",))).verdict
    assert verdict.fails
    assert verdict.findings[0].title == "symbolic sizes of graph 1: none -> x[0]"


def test_how_often_and_how_much_a_graph_runs_never_fails_alone() -> None:
    assert WHOLE.compilation is not None
    graph = replace(WHOLE.compilation.graphs[0], runs=3, guards=7)
    assert not compare(WHOLE, replace(WHOLE, compilation=replace(WHOLE.compilation, graphs=(graph,)))).drifted


def test_where_a_line_stands_is_not_compared() -> None:
    moved = replace(BREAK, line=CodeLine(LINE.file, LINE.function, LINE.text))
    assert compiled_graph(breaks=(BREAK,)) == compiled_graph(breaks=(moved,))


def test_eager_against_compiled_tells_the_mode_and_no_break() -> None:
    verdict = compare(graph_of(), BROKEN).verdict
    assert verdict.findings[0].title == "run: eager -> compiled-by-aot_eager"
    assert not any(finding.kind == "compile" for finding in verdict.findings)


def told(graph: Graph, **budget: object) -> list[str]:
    return [line for finding in check_budget(graph, budget) for line in (finding.title, *finding.details)]


def test_a_budget_on_breaks_names_file_and_line() -> None:
    assert told(BROKEN, graph_breaks=0) == [
        "graph_breaks 1, budget at most 0",
        "/home/me/model.py:14 in forward `if x.sum() > 0:`: Data-dependent branching (GB0170)",
    ]
    assert told(BROKEN, graph_breaks=1) == []


def test_breaks_are_limited_package_by_package() -> None:
    assert told(BROKEN, **{"graph_breaks.model": 0})[0] == "graph_breaks.model 1, budget at most 0"
    assert told(BROKEN, **{"graph_breaks.torch": 0}) == []
    with pytest.raises(BudgetUnreadable, match=r"no package .modle. was imported; did you mean .model."):
        check_budget(BROKEN, {"graph_breaks.modle": 0})


def test_recompilations_graphs_and_what_is_not_compiled_are_limited() -> None:
    again = compiled_graph(graphs=2, recompiles=(RECOMPILE,), uncompiled=3)
    assert told(again, recompiles=0)[1] == f"/home/me/model.py:12 in forward: {RECOMPILE.guard}"
    assert told(again, graphs=1)[0] == "graphs 2, budget at most 1"
    assert told(again, uncompiled="=3") == []
    assert told(again, uncompiled=2) == ["uncompiled 3, budget at most 2"]


def test_kernels_are_limited_where_they_were_generated() -> None:
    made = replace(compilation(), kernels=Kernels(defined=2, called=5, extern=4))
    graph = replace(graph_of(), compilation=made)
    assert told(graph, kernels=4, extern_kernels=4) == ["kernels 5, budget at most 4"]
    with pytest.raises(BudgetUnreadable, match="kernels=True"):
        check_budget(WHOLE, {"kernels": 12})


@pytest.mark.parametrize("key", ["graphs", "graph_breaks", "recompiles", "kernels", "graph_breaks.mypackage"])
def test_a_budget_on_what_was_not_compiled_names_the_option(key: str) -> None:
    with pytest.raises(BudgetUnreadable, match="check_compiled"):
        check_budget(graph_of(), {key: 0})


def test_a_phase_compiles_nothing() -> None:
    with pytest.raises(BudgetUnreadable, match="whole run"):
        check_budget(WHOLE, {"backward.graphs": 0})


class Attending(nn.Module):
    """Attention without a mask, or with one as a compiled graph has it."""

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        if mask is None:
            return nn.functional.scaled_dot_product_attention(x, x, x)
        found: Tensor = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(x, x, x, attn_mask=mask)[0]
        return found


class Asking(nn.Module):
    """A model that looks whether it needs a mask, or builds one; with a larger part that a compiler takes apart."""

    def __init__(self, *, looks: bool) -> None:
        super().__init__()
        self.looks = looks
        self.attention = Attending()
        self.norm = nn.LayerNorm(4, elementwise_affine=False) if looks else InParts()

    def forward(self, x: Tensor) -> Tensor:
        positive = (x > 0).all()
        made = None if self.looks else torch.where(positive, 0.0, 1.0).expand(2, 2)
        mask = x if self.looks and not bool(positive) else made
        found: Tensor = self.norm(self.attention(x, mask))
        return found


class InParts(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x, -1, keepdim=True, correction=0)
        return (x - mean) * (variance + 1e-5).rsqrt()


def test_a_branch_that_only_tracing_takes_is_told_first_with_the_attention_that_it_gives_a_mask() -> None:
    eager, compiled = (trace(Asking(looks=looks), torch.ones(1, 1, 2, 4)) for looks in (True, False))
    found = compare(eager, replace(compiled, compilation=compilation())).verdict.findings
    assert [one.cause for one in found[:2]] == ["traced-branch", "decomposed"]
    assert found[0].title.endswith("; attention is given a mask in 1 module")


def test_the_same_operations_in_another_number_are_not_called_decomposed() -> None:
    eager, compiled = (trace(lambda x, n=n: sum(x * (i + 2) for i in range(n)), torch.ones(2, 4)) for n in (2, 3))
    found = compare(eager, replace(compiled, compilation=compilation())).verdict.findings
    assert not {"decomposed", "fused-in-graph"} & {one.cause for one in found}
