"""Operations are counted under the names that users write; what cannot be counted is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from pytest_torchgraph import trace
from pytest_torchgraph.analysis.tally import INSTEAD, Total, UnknownName
from pytest_torchgraph.catalog.vocabulary import operation_names
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.recorded.kinds import GROUPS
from pytest_torchgraph.verdict import measure
from pytest_torchgraph.verdict.budget import check_budget
from tests.capture.small import Calls, example


def mixture(module: Any, x: Tensor) -> Any:
    y = module.mix(x).clone() + x.T.contiguous().T
    y.copy_(x)
    z = y.double().float().to(torch.float32, copy=True)
    if x.sum() > 0:
        z = z.T.reshape(4, 8)
    q = x.view(1, 1, 4, 8)
    return scaled_dot_product_attention(q, q, q), x[x > 0], z


def test_a_total_is_compared_as_a_number_unless_what_is_unknown_decides() -> None:
    known, partly = Total(120), Total(120, ("aten.linalg_pinv",))
    assert known < 121 <= 2 * int(known)
    assert known == 120
    assert known / 1000 == 0.12
    assert partly > 100
    assert not partly < 120
    assert partly != 120
    for decided in (lambda: partly < 200, lambda: partly > 120, lambda: partly / 2):
        with pytest.raises(ValueError, match=r"known only in part \(≥120\): nothing is known of aten.linalg_pinv"):
            decided()


def test_a_misspelled_attribute_of_a_graph_is_told_with_the_nearest(graph: Graph) -> None:
    with pytest.raises(AttributeError, match=r"a Graph has no attribute 'op_count'; did you mean 'op_counts'\?"):
        getattr(graph, "op_count")  # noqa: B009 -- a type checker would refuse it
    assert not hasattr(graph, "__len__")


@pytest.fixture(scope="module")
def graph() -> Graph:
    return trace(Calls(mixture, mix=nn.Linear(8, 8)), example(4, 8).abs())


def test_a_name_counts_with_and_without_its_overload(graph: Graph) -> None:
    assert graph.op_counts["aten.clone"] >= 2
    assert graph.op_counts["aten.clone"] == graph.op_counts["aten.clone.default"]
    assert graph.op_counts["aten.addmm.default"] == 1


def test_overloads_add_up() -> None:
    counts = trace(lambda x: (x.sum(), x.sum(0), x.sum(1)), example(4, 8)).op_counts
    assert (counts["aten.sum"], counts["aten.sum.default"], counts["aten.sum.dim_IntList"]) == (3, 1, 2)


def test_an_operation_that_did_not_run_counts_zero(graph: Graph) -> None:
    assert graph.op_counts["aten.bmm"] == 0
    assert graph.op_counts["aten.add_.Tensor"] == 0
    assert "aten.bmm" not in graph.op_counts


def test_counts_are_a_mapping_of_names_without_overload(graph: Graph) -> None:
    counts = dict(graph.op_counts)
    assert list(counts) == sorted(counts)
    assert sum(counts.values()) == len(graph.operations)
    assert "aten.addmm" in repr(graph.op_counts)
    assert "aten.addmm.default" in graph.op_counts


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("aten.contiguous", "'aten.contiguous' never reaches the dispatcher.*Write aten.clone"),
        ("aten.reshape", "never reaches the dispatcher.*Write aten.clone"),
        ("aten.linear", "never reaches the dispatcher.*aten.addmm"),
        ("aten.layer_norm", "Write aten.native_layer_norm"),
        ("attenton", "did you mean 'attention'"),
        ("scaled_dot_product", "did you mean .*'scaled_dot_product_attention'"),
        ("aten.clnoe", "no operation 'aten.clnoe'; did you mean 'aten.clone'"),
        ("aten.clone.defualt", "did you mean .*'aten.clone.default'"),
        ("clone", "did you mean .*'aten.clone'"),
        ("nonsense.of.a.name", "PyTorch's dispatcher has no operation 'nonsense.of.a.name'"),
        ("", "no operation ''"),
    ],
)
def test_a_name_that_nothing_can_have_is_refused(graph: Graph, name: str, message: str) -> None:
    with pytest.raises(UnknownName, match=message):
        graph.op_counts[name]


def test_every_suggestion_for_a_composite_name_is_known(graph: Graph) -> None:
    for name, instead in INSTEAD.items():
        for word in instead.replace(",", " ").split():
            if word.startswith("aten."):
                assert word in operation_names(), (name, word)
        if "the group " in instead:
            assert instead.rpartition("the group ")[2] in GROUPS


def test_a_graph_from_a_file_cannot_tell_what_else_exists(graph: Graph) -> None:
    stored = expanded(graph.canonical)
    assert stored.op_counts["aten.addmm"] == 1
    with pytest.raises(UnknownName, match="a graph read from a file cannot tell"):
        stored.op_counts["aten.bmm"]


def test_groups(graph: Graph) -> None:
    assert graph.casts == 2
    assert graph.matmuls == 1
    assert graph.attention == 1
    assert len(graph.syncs) == 2
    assert {operation.packet for operation in graph.syncs} == {"aten._local_scalar_dense", "aten.index"}
    assert all(operation.source is not None for operation in graph.syncs)
    assert graph.count("ops") + graph.views == len(graph.operations)
    # clone, contiguous, copy_, to(copy=True), and reshape where the transposed view cannot be one
    assert graph.copies == 5


def test_a_copy_is_a_copy_under_every_name() -> None:
    copying = [
        lambda x: x.clone(),
        lambda x: x.T.contiguous(),
        lambda x: x.T.reshape(-1),
        lambda x: x.T.flatten(),
        lambda x: x.to(torch.float32, copy=True),
        lambda x: torch.empty_like(x).copy_(x),
        lambda x: torch.expand_copy(x, (4, 8)),
    ]
    for function in copying:
        assert trace(function, example(4, 8)).copies == 1
    for function in (lambda x: x.contiguous(), lambda x: x.reshape(-1), lambda x: x.float(), lambda x: x.double()):
        assert trace(function, example(4, 8)).copies == 0


def test_syncs_are_what_needs_the_value_on_the_host() -> None:
    waiting = [
        lambda x: x.sum().item(),
        lambda x: bool(x.sum() > 0),
        lambda x: x.nonzero(),
        lambda x: x[x > 0],
        torch.unique,
        lambda x: x.masked_select(x > 0),
        lambda x: torch.equal(x, x),
    ]
    for function in waiting:
        assert len(trace(function, example(4, 8)).syncs) == 1
    staying = [
        lambda x: torch.where(x > 0, x, 0),
        lambda x: x[torch.tensor([0, 2])],
        lambda x: x.index_put((torch.tensor([0, 2]),), torch.tensor(1.0)),
    ]
    for function in staying:
        assert trace(function, example(4, 8)).syncs == ()


ATTENTION_NAMES = [
    "attention",
    "scaled_dot_product_attention",
    "aten.scaled_dot_product_attention",
    "F.scaled_dot_product_attention",
]


@pytest.mark.parametrize("name", ATTENTION_NAMES)
def test_an_attention_call_is_counted_and_selected_by_every_name_for_it(graph: Graph, name: str) -> None:
    assert graph.op_counts[name] == graph.count(name) == graph.attention == 1
    selected = graph.select(op=name)
    assert {operation.call for operation in selected} == {0}
    assert selected.op_counts[name] == 1
    assert selected.flops == 2 * 2 * (4 * 4 * 8)


@pytest.mark.parametrize("group", sorted({*GROUPS} - {"collectives"}))
def test_a_group_is_counted_and_selected_by_its_name(graph: Graph, group: str) -> None:
    assert graph.op_counts[group] == graph.count(group) > 0
    selected = graph.select(op=group)
    assert selected.op_counts[group] == graph.count(group)
    assert len(selected) == graph.count(group) or group == "attention"


def test_a_group_is_added_in_one_place(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GROUPS, "comparisons", lambda doing: doing.packet in {"aten.gt", "aten.lt"})
    monkeypatch.setattr(measure, "COUNTED", (*GROUPS, "flops"))
    stored = expanded(graph.canonical)
    for one in (graph, stored):
        assert one.count("comparisons") == one.op_counts["comparisons"] == 2
        assert len(one.select(op="comparisons")) == 2
        assert [finding.title for finding in check_budget(one, {"comparisons": 1})] == [
            "comparisons 2, budget at most 1"
        ]


def test_a_selection_counts_what_it_lacks_as_zero_and_refuses_what_nothing_has(layered: Graph) -> None:
    selected = layered.select(module="1")
    assert selected.op_counts["aten.clone"] == selected.op_counts["copies"] == 0
    with pytest.raises(UnknownName, match=r"did you mean .*'aten\.clone'"):
        selected.op_counts["aten.clon"]


def test_a_selection_is_told_on_one_line(graph: Graph, layered: Graph) -> None:
    assert repr(layered.select(module="1.1")) == "<Selection of 1 operation: 1 aten.relu>"
    assert re.fullmatch(r"<Selection of \d+ operations: (\d \S+, ){3}\d+ other names>", repr(graph.select(op="aten.*")))
    assert repr(layered.select(op="copies", allow_empty=True)) == "<Selection of 0 operations>"


def test_a_word_that_is_no_phase_is_refused_even_where_nothing_is_allowed(layered: Graph) -> None:
    with pytest.raises(UnknownName, match=r"no phase 'backwards'; did you mean 'backward'\? Phases: forward, backward"):
        layered.select(phase="backwards", allow_empty=True)
    assert len(layered.select(phase="backward", allow_empty=True)) == 0
    with pytest.raises(UnknownName, match="matches no operation; phases recorded: forward"):
        layered.select(phase="backward")


def test_a_group_or_operation_is_counted_by_its_key(graph: Graph) -> None:
    assert graph.count("aten.addmm") == 1
    with pytest.raises(UnknownName, match=r"'clones' is no group \(ops, views, copies"):
        graph.count("clones")


# Selections.


@pytest.fixture(scope="module")
def layered() -> Graph:
    layer = [nn.Sequential(nn.Linear(8, 8), nn.ReLU()) for _ in range(3)]
    with torch.no_grad():
        return trace(nn.Sequential(*layer), example(4, 8))


def test_a_selection_takes_nested_modules_along(layered: Graph) -> None:
    assert layered.select(module="1").op_counts == {"aten.addmm": 1, "aten.relu": 1, "aten.t": 1}
    assert layered.select(module="1.0").op_counts == {"aten.addmm": 1, "aten.t": 1}
    assert len(layered.select(module="*")) == len(layered.operations)
    assert len(layered.select(module="[02]")) == 6


def test_a_selection_by_operation_takes_globs(layered: Graph) -> None:
    assert len(layered.select(op="aten.addmm")) == 3
    assert len(layered.select(op="aten.addmm.default")) == 3
    assert len(layered.select(op="aten.*mm*", module="0")) == 1
    assert {operation.packet for operation in layered.select(op="*.relu")} == {"aten.relu"}


def test_a_selection_by_phase(layered: Graph) -> None:
    assert len(layered.select(phase="forward")) == len(layered.operations)
    with pytest.raises(UnknownName, match="phases recorded: forward"):
        layered.select(phase="backward")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"module": "layers.*"}, r"no module call matches 'layers.\*'; modules called: "),
        ({"op": "aten.bmm*"}, r"select\(op='aten.bmm\*'\) matches no operation.*\n.*allow_empty=True"),
        ({"op": "aten.bmm"}, r"matches no operation"),
        ({"op": "aten.linear"}, "never reaches the dispatcher"),
        ({"op": "aten.relu", "module": "0.0"}, "matches no operation"),
    ],
)
def test_a_selection_of_nothing_is_refused(layered: Graph, asked: dict[str, str], message: str) -> None:
    with pytest.raises(UnknownName, match=message):
        layered.select(**asked)  # type: ignore[arg-type]


def test_nothing_may_be_the_right_answer(layered: Graph) -> None:
    assert len(layered.select(op="aten.bmm", allow_empty=True)) == 0
    assert len(layered.select(module="nowhere", allow_empty=True)) == 0
    assert layered.select(op="aten.bmm", allow_empty=True).flops == 0
    with pytest.raises(UnknownName, match="never reaches the dispatcher"):
        layered.select(op="aten.linear", allow_empty=True)


# FLOPs.


def test_flops_are_those_of_the_products(layered: Graph) -> None:
    assert layered.flops.exactly() == 3 * 2 * 4 * 8 * 8
    assert layered.select(module="1").flops == 2 * 4 * 8 * 8
    assert str(layered.flops) == "1536"


def test_flops_of_known_products() -> None:
    matrix, vector = example(4, 8), example(8)
    q = example(2, 4, 6, 8)
    cases: list[tuple[Any, int]] = [
        (lambda: matrix @ matrix.T, 2 * 4 * 8 * 4),
        (lambda: matrix @ vector, 2 * 4 * 8),
        (lambda: torch.addmv(torch.zeros(4), matrix, vector), 2 * 4 * 8),
        (lambda: vector @ vector, 2 * 8),
        (lambda: q @ q.mT, 2 * 2 * 4 * 6 * 8 * 6),
        (lambda: nn.functional.conv2d(example(1, 3, 8, 8), example(4, 3, 3, 3)), 2 * 4 * 3 * 9 * 36),
        (lambda: scaled_dot_product_attention(q, q, q), 2 * 2 * (2 * 4 * 6 * 8 * 6)),
        (lambda: matrix + 1, 0),
    ]
    for function, flops in cases:
        assert trace(function).flops.exactly() == flops


def test_products_without_a_formula_make_the_total_a_lower_bound() -> None:
    linear = nn.Linear(8, 8)
    with torch.no_grad():
        graph = trace(lambda x: torch.linalg.svd(linear(x)), example(4, 8))
    assert str(graph.flops) == "≥512"
    assert graph.flops.exactly() is None
    assert graph.flops.unknown == ("aten._linalg_svd",)
    with pytest.raises(ValueError, match=r"FLOPs are known only in part \(≥512\): no formula for aten._linalg_svd"):
        _ = graph.select(op="aten.*").flops


def test_inference_mode_counts_as_many_flops_as_no_grad() -> None:
    model = nn.Linear(8, 8)
    with torch.inference_mode():
        assert trace(model, example(4, 8)).flops.exactly() == 2 * 4 * 8 * 8
