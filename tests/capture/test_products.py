"""FLOPs of PyTorch's own samples: products are counted as an independent sum has them, and nothing else has any."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from itertools import chain, islice
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._decomp import decomposition_table
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from pytest_torchgraph import trace
from pytest_torchgraph.analysis.formulas import FORMULAS
from pytest_torchgraph.capture import cost, light
from pytest_torchgraph.capture.operation import read_arguments
from pytest_torchgraph.capture.schema import IGNORED_NAMESPACES
from pytest_torchgraph.capture.tensor import Identity
from pytest_torchgraph.catalog.samples import infos
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.operation import packet_of
from tests.capture.products import PRODUCTS, Product, holds_products

FLOATS = (torch.float32, torch.complex64)
UNKNOWN = {
    *("aten._cdist_backward", "aten._linalg_eigh", "aten._linalg_svd", "aten._pdist_backward", "aten.geqrf"),
    *("aten._sparse_mm_reduce_impl", "aten._sparse_mm_reduce_impl_backward", "aten.linalg_eig", "aten.linalg_qr"),
    *("aten.linalg_householder_product", "aten.linalg_ldl_factor_ex", "aten.linalg_ldl_solve", "aten.linalg_lstsq"),
    *("aten.linalg_matrix_exp", "aten.linalg_pinv", "aten.mm", "aten.ormqr", "aten.sparse_sampled_addmm"),
    *("torch_nn._linear_cross_entropy_batch_chunked", "torch_nn._linear_cross_entropy_batch_chunked_no_reduction"),
}
"""All that is unknown in PyTorch's samples: products without a formula, and of sparse matrices."""
FEW, ALL = 3, 24
PRIMITIVES = frozenset(
    {
        *("prims.sum", "prims.prod", "prims.amax", "prims.amin", "prims.var", "prims.where", "prims.div", "prims.cat"),
        *("prims.rev", "prims.copy_to", "prims.item", "prims.as_strided_scatter", "aten.index", "aten.index_put"),
        *("aten.gather", "aten.scatter", "aten.scatter_add", "aten.max", "aten.sort", "aten.searchsorted", "aten.pad"),
        *("aten.copy", "aten.copy_", "aten.full_like", "aten.rand_like", "aten.randn_like", "aten.softmax"),
        *("aten.__and__", "aten.__or__", "aten.log_sigmoid", "aten.atleast_1d", "aten.atleast_2d", "aten.diag"),
        *("aten.broadcast_tensors", "aten.avg_pool2d"),
    }
)
"""What PyTorch's own decompositions of light operations come to beside views and element by element: one pass each."""
PRODUCT_WORDS = re.compile(
    r"(^|_)(\w*mm|mv|v?dot|matmul|conv(?!ert)\w*|linear|attention|(lstm|gru|rnn)(?!_cell)|bilinear|trilinear|solve|inv|inverse|det|slogdet"
    r"|cdist|pdist|einsum|ger|outer|kron|fft|svd|qr|eigh?|cholesky|lu(?!_unpack)|lstsq|pinv|exp_matrix)(_|$)"
)


@cache
def calls() -> dict[str, list[Any]]:
    """PyTorch's descriptions of its calls, all variants of a call under its name."""
    found: dict[str, list[Any]] = {}
    for info in infos():
        found.setdefault(info.name, []).append(info)
    return found


def samples_of(info: Any, dtype: torch.dtype, count: int) -> Iterator[Any]:
    """The first samples of one call, with gradients where it has them."""
    if dtype not in info.supported_dtypes("cpu"):
        return
    grad = info.supports_autograd and dtype in info.supported_backward_dtypes("cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # `info.sample_inputs` looks through the whole stack for the test that asks, for a second at a time.
        yield from islice(info.sample_inputs_func(info, "cpu", dtype, grad), count)


def loss(output: Any) -> Tensor | None:
    """A sum of all that has a gradient."""
    parts = [one for one in tree_leaves(output) if isinstance(one, Tensor) and one.requires_grad]
    sums = [(torch.view_as_real(one.resolve_conj()) if one.is_complex() else one).sum() for one in parts]
    return torch.stack([one.float() for one in sums]).sum() if sums else None


def run_of(info: Any, sample: Any) -> tuple[Graph, Any] | None:
    """The recorded call with its gradients, and its result; ``None`` where it cannot run here."""
    kept: list[Any] = []

    def call() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kept.append(info.op(sample.input, *sample.args, **sample.kwargs))
            found = loss(kept[-1])
            if found is not None:
                found.backward()

    try:
        return trace(call), kept[-1]
    except (RuntimeError, TypeError, ValueError, NotImplementedError, AssertionError):
        return None


def flops_in(graph: Graph, phase: str) -> int | None:
    return cost_of([operation for operation in graph.operations if operation.phase == phase])


def cost_of(operations: list[Any]) -> int | None:
    known = [operation.flops for operation in operations]
    return None if None in known else sum(known)


def require_counted(info: Any, sample: Any, dtype: torch.dtype) -> bool:
    """Whether the sample was compared; raises ``AssertionError`` where the recorder counts otherwise."""
    run = run_of(info, sample)
    if run is None:
        return False
    graph, result = run
    expected: Product | None = PRODUCTS[info.name](sample, result) if info.name in PRODUCTS else Product(0, 0)
    if expected is None or (info.name not in PRODUCTS and holds_products(info.name)):
        return False
    factor = real_products(info.name) if dtype.is_complex else 1
    assert flops_in(graph, "forward") == factor * expected.forward, sample
    if expected.backward is not None:
        assert flops_in(graph, "backward") == factor * expected.backward, sample
    return True


def real_products(name: str) -> int:
    """Of a complex product; PyTorch's complex convolutions take one less (Gauss), in ``Convolution.cpp``."""
    return 3 if ".conv" in name else 4


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_counted_forward_and_backward(name: str, dtype: torch.dtype) -> None:
    variants = [info for info in calls()[name] if dtype in info.supported_dtypes("cpu")]
    if not variants:
        pytest.skip("has no such products")
    for info in variants:
        compared = (require_counted(info, sample, dtype) for sample in samples_of(info, dtype, ALL))
        assert list(islice(filter(None, compared), FEW))


@pytest.mark.long
@pytest.mark.parametrize("dtype", FLOATS)
def test_every_call_of_pytorch_has_the_products_that_it_is_asked_for(dtype: torch.dtype) -> None:
    compared, wrong = 0, []
    for info in chain.from_iterable(calls().values()):
        for sample in samples_of(info, dtype, ALL):
            try:
                compared += require_counted(info, sample, dtype)
            except AssertionError as error:
                wrong.append((info.name, info.variant_test_name, str(error)[:200]))
    assert not wrong
    assert compared > 2000


def test_a_formula_that_counts_groups_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(FORMULAS, "aten.convolution_backward")  # then it is PyTorch's own
    with pytest.raises(AssertionError):
        test_products_are_counted_forward_and_backward("nn.functional.conv2d", torch.float32)


@pytest.mark.parametrize(
    ("name", "call"), [("addmv", "addmv"), ("dot", "dot"), ("_trilinear", "nn.functional.bilinear")]
)
def test_a_product_in_the_list_of_light_operations_is_found(
    name: str, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(light, "LIGHT", light.LIGHT | {name})
    monkeypatch.setattr(cost, "is_light", light.is_light.__wrapped__)
    monkeypatch.delitem(FORMULAS, f"aten.{name}")
    with pytest.raises(AssertionError):
        test_products_are_counted_forward_and_backward(call, torch.float32)


def test_a_complex_product_that_counts_once_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "COMPLEX", 1)
    with pytest.raises(AssertionError):
        test_products_are_counted_forward_and_backward("bmm", torch.complex64)


# What each operation of the samples is, dispatched alone.


class Reached(TorchDispatchMode):
    """Sorts the operations that PyTorch's samples come to, and takes the light ones apart."""

    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()
        self.unknown: set[str] = set()
        self.parts: dict[str, set[str]] = {}
        self.undivided: set[str] = set()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        is_operation = isinstance(func, torch._ops.OpOverload) and func.namespace not in IGNORED_NAMESPACES
        if is_operation and self.seen[str(func)] < FEW and not is_told_by_pytorch(func):
            self.seen[str(func)] += 1
            self.sort(func, args, kwargs)
        return func(*args, **kwargs)

    def sort(self, func: Any, args: Any, kwargs: Any) -> None:
        packet = packet_of(str(func))
        identity = Identity()
        arguments = tuple(read_arguments(args, identity.read))
        if light.is_light(func):
            found = parts_of(func, args, kwargs)
            if found is None:
                self.undivided.add(packet)
            else:
                self.parts.setdefault(packet, set()).update(found)
        elif packet not in FORMULAS and cost.flops_of(str(func), func, arguments, {}, args) is None:
            self.unknown.add(packet)


def is_told_by_pytorch(func: Any) -> bool:
    """Whether its tags or its schema say that it works element by element, is a view, or makes tensors of numbers."""
    told = torch.Tag.pointwise in func.tags or func.is_view or torch.Tag.inplace_view in func.tags
    return bool(told or light.makes_of_numbers(func))


class Parts(TorchDispatchMode):
    """Notes what a decomposition comes to when all that has one is taken apart."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if is_told_by_pytorch(func):
            return func(*args, **kwargs)
        if func in decomposition_table:
            with suppress(RuntimeError, TypeError, NotImplementedError), self:
                made = decomposition_table[func](*args, **kwargs)
                if made is not NotImplemented:
                    return made
        self.found.add(packet_of(str(func)))
        return func(*args, **kwargs)


def parts_of(func: Any, args: Any, kwargs: Any) -> set[str] | None:
    """What PyTorch's decomposition of *func* comes to; ``None`` where it has none that runs here."""
    if func not in decomposition_table:
        return None
    copied = tree_map(lambda one: one.detach().clone() if isinstance(one, Tensor) else one, (args, kwargs))
    parts = Parts()
    try:
        with parts:
            made = decomposition_table[func](*copied[0], **copied[1])
    except (RuntimeError, TypeError, NotImplementedError, AssertionError):
        return None
    return None if made is NotImplemented else parts.found


@cache
def reached() -> Reached:
    """All operations that two samples of each call come to, with their gradients."""
    found = Reached()
    for info in chain.from_iterable(calls().values()):
        for sample in samples_of(info, torch.float32, 2):
            # PyTorch Geometric puts its own torch.index_select in place, which raises IndexError without dimensions.
            with suppress(RuntimeError, TypeError, ValueError, IndexError, AssertionError), found:
                summed = loss(info.op(sample.input, *sample.args, **sample.kwargs))
                if summed is not None:
                    summed.backward()
    return found


def test_light_operations_come_to_nothing_but_single_passes() -> None:
    parts = reached().parts
    assert len(parts) > 100
    assert {name: found - PRIMITIVES for name, found in parts.items() if found - PRIMITIVES} == {}


def test_what_has_no_decomposition_is_no_product_by_its_name() -> None:
    assert {name for name in light.LIGHT | light.QUANTIZED if PRODUCT_WORDS.search(name)} == set()
    assert {"aten.cumsum", "aten.mm", "aten.addbmm"} - {f"aten.{name}" for name in light.LIGHT} == {
        "aten.mm",
        "aten.addbmm",
    }
    for name in ("addmm", "_int_mm", "conv2d", "_sparse_addmm", "mkldnn_linear", "quantized_lstm", "linalg_solve"):
        assert PRODUCT_WORDS.search(name)


@pytest.mark.skipif(not torch.__version__.startswith("2.13."), reason="the list is checked against PyTorch 2.13")
def test_all_that_is_unknown_is_a_product() -> None:
    assert reached().unknown <= UNKNOWN
    assert len(reached().unknown) > 10
