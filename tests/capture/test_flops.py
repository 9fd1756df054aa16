"""FLOPs are those of PyTorch's counter where it knows an operation, and those of a formula elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.flop_counter import FlopCounterMode

from pytest_torchgraph import trace
from pytest_torchgraph.analysis.formulas import FORMULAS
from pytest_torchgraph.capture.cost import flops_of
from pytest_torchgraph.capture.light import LIGHT, QUANTIZED, is_light, spellings
from pytest_torchgraph.catalog.vocabulary import operation_names
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.verdict.budget import check_budget
from tests.capture.small import example
from tests.models import MODELS
from tests.models.example import Example
from tests.real.factories import FACTORIES

of_this_version = pytest.mark.skipif(
    not torch.__version__.startswith("2.13."), reason="names come and go: the lists are checked against PyTorch 2.13"
)
KNOWN_TO_PYTORCH = ("mlp", "resnet", "bottleneck", "densenet", "unet", "block", "moe", "tied_weights", "checkpointed")


def counted(found: Example, *, backward: bool) -> FlopCounterMode:
    args = found.args if isinstance(found.args, tuple) else (found.args,)
    keywords = dict(found.kwargs)
    if isinstance(found.args, dict):
        args, keywords = (), {**found.args, **keywords}
    with FlopCounterMode(display=False) as counter:
        output = found.model(*args, **keywords)
        if backward:
            output = output[0] if isinstance(output, tuple) else getattr(output, "logits", output)
            output.sum().backward()
    return counter


@pytest.mark.parametrize("trait", KNOWN_TO_PYTORCH)
def test_a_training_step_has_as_many_flops_as_pytorch_counts(trait: str) -> None:
    torch.manual_seed(0)
    found = MODELS[trait]()
    with sdpa_kernel(SDPBackend.MATH):
        graph = trace(found.model, found.args, found.kwargs, backward=True)
        assert graph.flops.exactly() == counted(found, backward=True).get_total_flops() > 0


@pytest.mark.parametrize("name", ["gpt2", "llama", "vit"])
def test_real_models_have_as_many_flops_as_pytorch_counts(name: str) -> None:
    torch.manual_seed(0)
    found = FACTORIES[name]()
    with sdpa_kernel(SDPBackend.MATH):
        graph = trace(found.model, found.args, found.kwargs, backward=True)
        assert graph.flops.exactly() == counted(found, backward=True).get_total_flops() > 0


def test_every_module_has_as_many_flops_as_pytorch_counts() -> None:
    found = MODELS["resnet"]()
    with torch.no_grad():
        graph = trace(found.model, found.args, found.kwargs)
        counts = counted(found, backward=False).get_flop_counts()
    rows = {row.name: row.flops.exactly() for row in graph.costs("module")}
    root = graph.scopes[0].class_name
    counts.pop("Global")
    assert len(counts) > 5
    for name, by_operation in counts.items():
        assert rows[name.removeprefix(f"{root}.")] == sum(by_operation.values())


def fast_path(module: nn.Module, *inputs: Any) -> Graph:
    with torch.no_grad():
        return trace(module.eval(), inputs)


def test_attention_on_the_cpu_has_the_products_of_plain_attention() -> None:
    q, k = example(2, 4, 6, 8).requires_grad_(), example(2, 4, 10, 8).requires_grad_()

    def attend() -> Any:
        return scaled_dot_product_attention(q, k, k)

    graph = trace(attend, (), backward=True)
    with sdpa_kernel(SDPBackend.MATH):
        plain = trace(attend, (), backward=True)
    product = 2 * 2 * 4 * 6 * 10 * 8
    assert graph.op_counts["aten._scaled_dot_product_flash_attention_for_cpu_backward"] == 1
    assert graph.select(phase="forward").flops == plain.select(phase="forward").flops == 2 * product
    # The fused operation computes the scores again.
    assert graph.select(phase="backward").flops == plain.select(phase="backward").flops + product == 5 * product


def test_the_fast_path_of_attention_has_the_products_of_the_slow_one() -> None:
    attend = nn.MultiheadAttention(16, 4, batch_first=True)
    x = example(3, 5, 16)
    fast = fast_path(attend, x, x, x)
    assert fast.op_counts["aten._native_multi_head_attention"] == 1
    slow = trace(attend.train(), (x, x, x))
    assert fast.flops.exactly() == slow.flops.exactly() == 2 * 3 * 5 * 16 * 64 + 4 * 3 * 5 * 5 * 16


def test_the_fast_path_of_an_encoder_has_the_products_of_the_slow_one() -> None:
    layer = nn.TransformerEncoderLayer(16, 4, 24, batch_first=True)
    x = example(3, 5, 16)
    fast = fast_path(layer, x)
    assert fast.op_counts["aten._transformer_encoder_layer_fwd"] == 1
    slow = trace(layer.train(), x)
    assert fast.flops.exactly() == slow.flops.exactly()


def test_a_fused_lstm_has_the_products_of_its_gates_and_twice_as_many_backward() -> None:
    model, x = nn.LSTM(6, 5, num_layers=2, bidirectional=True), example(7, 3, 6)
    step = 2 * (4 * 5 * 6 + 4 * 5 * 5) + 2 * (4 * 5 * 10 + 4 * 5 * 5)
    graph = trace(lambda: model(x)[0], (), backward=True)
    if graph.count("aten.mkldnn_rnn_layer"):
        assert graph.select(phase="forward").flops == 2 * 7 * 3 * step
        assert graph.select(phase="backward").flops == 2 * 2 * 7 * 3 * step


def test_products_of_vectors_and_of_groups() -> None:
    matrix, vector, stack = example(4, 8), example(8), example(3, 8, 5)
    ends = torch.tensor([1, 3, 4], dtype=torch.int32)
    ints = torch.ones(32, 32, dtype=torch.int8)
    half, halves = example(4, 8).bfloat16(), example(3, 8, 16).bfloat16()
    square = example(2, 6, 6) + 9 * torch.eye(6)
    cases: list[tuple[Any, int]] = [
        (lambda: torch.addr(torch.zeros(4, 8), example(4), vector), 2 * 4 * 8),
        (lambda: torch.addbmm(torch.zeros(4, 5), example(3, 4, 8), stack), 2 * 3 * 4 * 8 * 5),
        (lambda: torch.zeros(4, 4).addmm_(matrix, matrix.T), 2 * 4 * 8 * 4),
        (lambda: torch._int_mm(ints, ints), 2 * 32**3),
        (lambda: torch._grouped_mm(half, halves, offs=ends), 2 * 4 * 8 * 16),
        (lambda: torch._grouped_mm(example(3, 4, 8).bfloat16(), halves), 2 * 3 * 4 * 8 * 16),
        (lambda: nn.functional.bilinear(matrix, example(4, 6), example(5, 8, 6)), 2 * 4 * 5 * 8 * 6),
        (lambda: torch.linalg.inv(square), 2 * 2 * 6**3),
        (lambda: torch.linalg.cholesky(square @ square.mT), 2 * 2 * 6**3 + 2 * 6**3 // 3),
        (lambda: torch.linalg.solve(square, example(2, 6, 3)), 2 * (2 * 6**3 // 3) + 2 * 2 * 6 * 6 * 3),
    ]
    for function, flops in cases:
        with torch.no_grad():
            assert trace(function).flops.exactly() == flops


def test_an_optimizer_step_has_no_products() -> None:
    model = nn.Linear(8, 8)
    for fused, foreach in ((False, True), (True, False), (False, False)):
        optimizer = torch.optim.AdamW(model.parameters(), fused=fused, foreach=foreach)
        graph = trace(model, example(4, 8), backward=True, optimizer=optimizer)
        assert graph.select(phase="optimizer").flops == 0
        assert graph.flops.exactly() == 2 * 2 * 4 * 8 * 8


def test_what_a_library_registered_and_products_of_sparse_tensors_are_unknown() -> None:
    def mixed(x: torch.Tensor, adjacency: torch.Tensor) -> Any:
        return adjacency @ x, torch.linalg.svd(x)

    with torch.no_grad():
        graph = trace(mixed, (example(3, 8), torch.eye(3).to_sparse()))
    assert graph.flops.exactly() is None
    assert {"aten._linalg_svd"} < set(graph.flops.unknown)
    assert flops_of("some_library.fast_attention.default", None, (), {}, None) is None
    assert flops_of("aten.add.Tensor", torch.ops.aten.add.Tensor, (), {}, None) == 0


@of_this_version
def test_every_formula_and_every_light_name_belongs_to_an_operation() -> None:
    here = {name for name in FORMULAS if not name.startswith("higher_order.")}
    assert here <= operation_names()
    stems = {one for name in operation_names() for one in spellings(name.removeprefix("aten."))}
    assert stems >= LIGHT
    assert {f"quantized.{name}" for name in QUANTIZED} <= operation_names()


@pytest.mark.parametrize(
    ("operation", "light"),
    [
        (torch.ops.aten._thnn_fused_lstm_cell.default, True),
        (torch.ops.aten._foreach_add_.Scalar, True),
        *([(torch.ops.aten._foreach_mm.default, False)] if hasattr(torch.ops.aten, "_foreach_mm") else []),
        (torch.ops.aten._fused_adamw_.default, True),
        (torch.ops.aten._fused_sdp_choice.default, True),
        (torch.ops.aten.native_layer_norm_backward.default, True),
        (torch.ops.aten.permute_copy.default, True),
        (torch.ops.aten.quantized_lstm.input, False),
        (torch.ops.aten.linalg_qr.default, False),
        (torch.ops.aten._sparse_sparse_matmul.default, False),
        (torch.ops.quantized.add.default, True),
        (torch.ops.quantized.conv2d_relu.new, False),
        (torch.ops.mkldnn._linear_pointwise.default, False),
        (torch.ops.inductor._mm_plus_mm.default, False),
        ("higher_order.cond", False),
    ],
)
def test_light_is_what_is_proved_to_hold_no_products(operation: Any, light: bool) -> None:
    assert is_light(operation) == light
    assert flops_of(str(operation), operation, (), {}, None) == (0 if light else None)


def test_an_operation_of_a_library_is_light_where_its_tag_says_so() -> None:
    with torch.library._scoped_library("costs", "DEF") as library:
        library.define("shift(Tensor x) -> Tensor", tags=(torch.Tag.pointwise,))
        library.define("mix(Tensor x) -> Tensor")
        for name in ("shift", "mix"):
            library.impl(name, lambda x: x + 1, "CompositeExplicitAutograd")
        graph = trace(lambda x: (torch.ops.costs.shift(x), torch.ops.costs.mix(x)), example(4, 8))
    assert graph.flops.unknown == ("costs.mix",)
    assert [operation.flops for operation in graph.operations if not operation.is_view] == [0, None]


@pytest.mark.parametrize(
    ("module", "size", "product"),
    [
        (nn.Conv2d(32, 32, 3, groups=32, padding=1, bias=False), (1, 32, 16, 16), 2 * 16 * 16 * 32 * 9),
        (nn.Conv2d(8, 12, 3, groups=4), (2, 8, 6, 6), 2 * 2 * 4 * 4 * 12 * 2 * 9),
        (nn.ConvTranspose2d(8, 12, 3, groups=4), (2, 8, 6, 6), 2 * 2 * 6 * 6 * 8 * 3 * 9),
        (nn.Conv1d(8, 8, 3, groups=8, stride=2), (2, 8, 9), 2 * 2 * 4 * 8 * 3),
    ],
)
@pytest.mark.parametrize("grad", [False, True])
def test_a_step_of_a_grouped_convolution_has_a_product_for_each_gradient(
    module: nn.Module, size: tuple[int, ...], product: int, grad: bool
) -> None:
    x = example(*size).requires_grad_(grad)
    graph = trace(module, x, backward=True)
    assert graph.select(phase="forward").flops == product
    assert graph.select(phase="backward").flops == (1 + grad) * product


def test_distances_of_many_rows_are_a_product_and_of_few_are_not() -> None:
    few, many = (trace(torch.cdist, (example(count, 3), example(40, 3)[:count])) for count in (20, 30))
    assert few.flops.exactly() == 3 * 20 * 20 * 3
    assert many.count("aten._euclidean_dist") == 1
    assert many.flops.exactly() == 2 * 30 * 30 * (3 + 2)


def test_a_budget_on_flops_with_unknown_parts_fails_and_names_them() -> None:
    graph = trace(lambda x: torch.linalg.svd(x @ x.T), example(4, 8))
    (finding,) = check_budget(graph, {"flops": 10**9})
    assert "flops are ≥256" in finding.title
    assert finding.details == ("no formula for aten._linalg_svd",)
    assert check_budget(graph, {"ops": 10}) == []
    (finding,) = check_budget(expanded(graph.canonical), {"flops": 10**9})
    assert finding.details == ("a graph read from a file has no FLOPs",)


SQUARE = example(2, 6, 6) + 9 * torch.eye(6)
LOWER = torch.linalg.cholesky(SQUARE @ SQUARE.mT)


@pytest.mark.parametrize(
    ("function", "flops"),
    [
        (lambda: torch.conv_tbc(example(7, 2, 4), example(3, 4, 5), torch.zeros(5)), 2 * 5 * 2 * 5 * 4 * 3),
        (lambda: torch.pdist(example(6, 4)), 3 * 15 * 4),
        (lambda: torch.linalg.det(SQUARE), 2 * 2 * 6**3 // 3),
        (lambda: torch.linalg.slogdet(SQUARE.to(torch.complex64)), 4 * 2 * 2 * 6**3 // 3),
        (lambda: torch.cholesky_solve(example(2, 6, 3), LOWER), 2 * 2 * 6 * 6 * 3),
        (lambda: torch.cholesky_inverse(LOWER), 2 * 2 * 6**3 // 3),
        (lambda: torch.linalg.lu_solve(*torch.linalg.lu_factor(SQUARE), example(2, 6, 3)), 288 + 2 * 2 * 6 * 6 * 3),
        pytest.param(
            lambda: torch._foreach_mm([example(4, 8), example(2, 3)], [example(8, 5), example(3, 2)]),
            2 * 160 + 2 * 12,
            marks=pytest.mark.skipif(not hasattr(torch, "_foreach_mm"), reason="this PyTorch has no such operation"),
        ),
        (
            lambda: nn.functional.affine_grid(example(2, 2, 3), [2, 1, 4, 5], align_corners=True),
            2 * (2 * 4 * 5 * 2) * 3,
        ),
        (
            lambda: nn.functional.affine_grid(example(2, 3, 4), [2, 1, 4, 5, 6], align_corners=True),
            2 * (2 * 4 * 5 * 6 * 3) * 4,
        ),
        (lambda: torch.fft.fft(example(3, 8).to(torch.complex64)), 5 * 3 * 8 * 3),
        (lambda: torch.fft.rfft(example(3, 8)), 5 * 3 * 8 * 3 // 2),
        (lambda: torch.einsum("ij,jk->ik", *[example(4, 4).to(torch.complex64)] * 2), 4 * 2 * 64),
    ],
)
def test_products_under_other_names(function: Callable[[], Any], flops: int) -> None:
    with torch.no_grad():
        assert trace(function).flops.exactly() == flops


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta state:UserWarning")
@pytest.mark.parametrize(
    "function",
    [
        lambda: torch.linalg.pinv(SQUARE),
        lambda: torch.sparse.mm(torch.eye(4).to_sparse(), torch.eye(4).to_sparse()),
        lambda: torch.hspmm(torch.eye(4).to_sparse(), example(4, 4)),
        lambda: torch.linalg.eigh(SQUARE),
        lambda: torch.linalg.matrix_exp(SQUARE),
    ],
)
def test_what_has_no_formula_is_unknown_and_not_none(function: Callable[[], Any]) -> None:
    with torch.no_grad():
        graph = trace(function)
    assert graph.flops.exactly() is None
    assert str(graph.flops).startswith("≥")


def test_the_backward_of_a_linear_layer_in_one_operation_has_two_products() -> None:
    inputs, grad, weight = (2, 3, 8), (2, 3, 5), (5, 8)
    product = 2 * 2 * 3 * 8 * 5
    for name in ("aten.linear_backward", "aten.mkldnn_linear_backward"):
        assert FORMULAS[name](inputs, grad, weight, (True, True, True)) == 2 * product
        assert FORMULAS[name](inputs, grad, weight, (False, True, False)) == product
    assert FORMULAS["aten.mkldnn_linear_backward_input"](inputs, grad, weight) == product
    assert FORMULAS["aten.mkldnn_linear_backward_weights"](grad, inputs, weight, True) == product
