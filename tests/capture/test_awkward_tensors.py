"""Tensors of every kind are recorded rightly, or refused clearly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._functorch.aot_autograd import aot_function
from torch._subclasses import FakeTensorMode
from torch.utils._pytree import tree_map

from pytest_torchgraph import trace
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.operation import tensors_in
from pytest_torchgraph.recorded.tensor import TensorRef
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
from tests.capture.small import Calls, example, stream_of

X = example(4, 8)


class Wrapper(Tensor):
    """A tensor without memory that runs every operation on the tensor inside it."""

    @staticmethod
    def __new__(cls, inner: Tensor) -> Any:
        return Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype, device=inner.device)

    def __init__(self, inner: Tensor) -> None:
        self.wrapped = inner

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        def unwrap(value: Any) -> Any:
            return value.wrapped if isinstance(value, Wrapper) else value

        out = func(*tree_map(unwrap, args), **tree_map(unwrap, kwargs or {}))
        return tree_map(lambda value: Wrapper(value) if isinstance(value, Tensor) else value, out)


class Flattened(Wrapper):
    """The same by PyTorch's protocol for such tensors."""

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["wrapped"], None


class Named(Tensor):
    """A tensor that only changes what is called."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return super().__torch_function__(func, types, args, kwargs or {})


class Duck:
    """No tensor at all, but accepted by PyTorch's functions."""

    def __init__(self, inner: Tensor) -> None:
        self.inner = inner

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Duck:
        return Duck(func(*[value.inner if isinstance(value, Duck) else value for value in args], **(kwargs or {})))


def work(graph: Graph) -> list[str]:
    """The operations that do work, in order."""
    return [operation.packet.removeprefix("aten.") for operation in graph.operations if not operation.is_view]


@pytest.mark.parametrize("kind", [Wrapper, Flattened])
def test_a_wrapper_is_told_by_what_it_wraps(kind: type[Wrapper]) -> None:
    x = kind(X)
    graph = trace(Calls(lambda module, x: (x + 1).relu() @ x.T), x)
    assert work(graph) == ["add", "relu", "mm"]
    assert [path for path, _ in graph.inputs] == ["args.0.wrapped"]
    assert [path for path, _ in graph.outputs] == ["wrapped"]
    assert graph.outputs[0][1].storage == tensors_in(graph.operations[-1].results)[0].storage
    assert "constant" not in {storage.kind for storage in graph.storages}


def test_a_wrapper_as_a_parameter_is_named() -> None:
    model = nn.Linear(8, 8)
    model.weight = nn.Parameter(Wrapper(torch.randn(8, 8)))
    graph = trace(model, X)
    assert [storage.name for storage in graph.storages if storage.kind == "parameter"] == ["weight.wrapped", "bias"]
    assert graph.memory.parameter_bytes == (64 + 8) * 4


def test_what_is_written_into_a_wrapper_is_put_back() -> None:
    inner = X.clone()
    trace(Calls(lambda module, x: x.add_(1)), Wrapper(inner))
    assert torch.equal(inner, X)


def test_subclasses_that_change_functions_alone_are_like_tensors() -> None:
    plain = trace(Calls(lambda module, x: (x + 1).relu()), X)
    assert trace(Calls(lambda module, x: (x + 1).relu()), X.as_subclass(Named)) == plain
    assert work(trace(Calls(lambda module, x: torch.add(x, 1)), Duck(X))) == ["add"]
    model = nn.Linear(8, 8)
    model.weight = nn.Parameter(torch.randn(8, 8).as_subclass(Named))
    assert trace(model, X) == trace(nn.Linear(8, 8), X)


def test_jagged_tensors_are_told_by_their_values() -> None:
    jagged = torch.nested.nested_tensor([example(2, 8), example(3, 8)], layout=torch.jagged)
    graph = trace(nn.Linear(8, 4), jagged)
    assert work(graph) == ["linear"]
    assert graph.inputs[0][0] == "input._values"
    assert graph.outputs[0][1].spec.shape == (5, 4)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype stage:UserWarning")
def test_a_ragged_dimension_has_no_size() -> None:
    graph = trace(Calls(lambda module, a, b: torch.nested.as_nested_tensor([a, b]) * 2), (example(2, 8), example(3, 8)))
    (made,) = tensors_in(graph.operations[-1].results)
    assert made.spec.shape == (2, -1, 8)
    assert made.spec.geometry is None


def test_sparse_and_quantized_tensors_are_recorded() -> None:
    sparse = trace(Calls(lambda module, x: torch.sparse.mm(x, torch.ones(8, 2))), X.to_sparse())
    assert sparse.inputs[0][1].spec.layout == "sparse_coo"
    assert sparse.outputs[0][1].spec.shape == (4, 2)
    quantized = trace(lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.quint8).dequantize(), X)
    assert work(quantized) == ["quantize_per_tensor", "dequantize"]


def test_packed_sequences_are_inputs_and_outputs() -> None:
    packed = nn.utils.rnn.pack_padded_sequence(example(2, 3, 8), [3, 2], batch_first=True)
    graph = trace(nn.GRU(8, 4, batch_first=True), packed)
    assert [path for path, _ in graph.inputs] == ["input.data", "input.batch_sizes"]
    assert [path for path, _ in graph.outputs] == ["0.data", "0.batch_sizes", "1"]


def test_lazy_modules_are_recorded_before_and_after_they_know_their_sizes() -> None:
    model = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d())
    first = trace(model, X)
    second = trace(model, X, warmup=1)
    assert type(model[0]) is nn.LazyLinear
    assert first.op_counts["aten.addmm"] == second.op_counts["aten.addmm"] == 1
    assert second.memory.parameter_bytes == (8 * 4 + 4 + 4 + 4) * 4
    (product,), made = first.select(op="aten.addmm"), first.select(op="aten.empty")
    bias, _, weight = (one for one in product.arguments if isinstance(one, TensorRef))
    assert {bias.storage, weight.storage} <= {one.results[0].storage for one in made}  # type: ignore[union-attr]
    model(X)
    assert trace(model, X) == second


def test_the_first_step_of_a_lazy_module_is_recorded() -> None:
    model = nn.LazyLinear(4)
    step = trace(model, X, backward=True, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    assert step.select(phase="optimizer").op_counts["aten.add_"] == 2
    assert type(model) is nn.LazyLinear


def test_fake_and_meta_tensors_are_recorded_without_memory_behind_them() -> None:
    fake = FakeTensorMode()
    with fake:
        model, x = nn.Linear(8, 8), torch.randn(4, 8)

    def forward(x: Tensor) -> Any:
        with fake:
            return model(x)

    assert work(trace(forward, x)) == ["addmm"]
    meta = trace(nn.Linear(8, 8, device="meta"), torch.randn(4, 8, device="meta"))
    assert work(meta) == ["addmm"]
    assert meta.origin.device == "meta"


def test_tracing_of_another_kind_works_inside() -> None:
    function = aot_function(lambda x: x.sin().cos(), fw_compiler=lambda graph, _: graph)
    assert torch.equal(function(X), X.sin().cos())
    assert work(trace(function, X))[-2:] == ["sin", "cos"]


# Each of these is compared with what a bare mode sees, and goes through the text and back.


def complex_views(x: Tensor) -> Any:
    z = torch.view_as_complex(x.view(4, 4, 2))
    z.real.add_(1)
    z.imag.mul_(2)
    return z * z.conj(), torch.view_as_real(z.conj().resolve_conj()), z.mH @ z, z.conj().imag.neg()


def dtype_views(x: Tensor) -> Any:
    x.view(torch.int32).bitwise_and_(7)
    return x.view(torch.float16)[:, 1] + 1, x.view(torch.uint8)[1, 3:7].clone(), x.view(torch.float64) * 2


def resized(x: Tensor) -> Any:
    y = torch.empty(0).resize_(4, 8).copy_(x)
    z = torch.empty(0).set_(y.untyped_storage(), 3, (2, 3), (3, 1))
    y.resize_(2, 2)
    return y + 1, z.clone()


def masked(x: Tensor) -> Any:
    y = x.clone()
    y[y > 0] = 0
    y[:, [1, 2]] = 3.0
    y[None, ..., 1] = 2
    y.masked_fill_(x > 0, 2).masked_scatter_(x > 0, x)
    y.index_put_((torch.tensor([0, 0]),), torch.ones(2, 8), accumulate=True)
    return y


def scattered(x: Tensor) -> Any:
    y, index = x.clone(), torch.zeros(1, 8, dtype=torch.long)
    y.scatter_(1, index[:, :1].expand(4, 1), 5.0).scatter_add_(0, index, x[:1]).scatter_reduce_(0, index, x[:1], "amax")
    y.index_copy_(0, torch.tensor([1]), x[:1]).index_fill_(0, torch.tensor([1]), 7.0)
    return y, y.gather(1, index.expand(4, 8)), torch.take(y, torch.tensor([1, 2]))


def views_of_inputs(x: Tensor) -> Any:
    x[0].add_(1)
    x.view(-1)[3:9].mul_(2)
    x.T[1].zero_()
    return x.sum(), x, x.T


def many_results(x: Tensor) -> Any:
    return torch.linalg.svd(x), torch.topk(x, 2), x.sort(), torch.unique(x, return_inverse=True), x.unbind(1)


def foreach(x: Tensor) -> Any:
    values = torch._foreach_mul([x, x + 1], 2)
    torch._foreach_add_(values, 1)
    return values


def scalars(x: Tensor) -> Any:
    return x * float("nan"), x + float("inf"), x - 0.0, x + 2**60, torch.full((2,), 1 + 2j), x.pow(1e-45), x + True


def generators(x: Tensor) -> Any:
    return x + torch.randn(4, 8, generator=torch.Generator().manual_seed(1)) + torch.rand_like(x)


def no_elements(x: Tensor) -> Any:
    y = x[:0]
    return y.sum(0), y.view(0, 2, 4) * 2, y @ y.T, torch.cat([y, y + 1])


def no_dimensions(x: Tensor) -> Any:
    y = x.sum()
    return y * 2, y.unsqueeze(0), y.view(1, 1) + x, y.expand(3) + 1


def expanded(x: Tensor) -> Any:
    y = x[:1].expand(4, 8)
    return y + 1, y.sum(0), y.contiguous(), y[1:] * 2


def overlapping(x: Tensor) -> Any:
    return x.view(-1).unfold(0, 4, 2).sum(-1), x.as_strided((3, 3), (1, 2), 1) + 0


def small_floats(x: Tensor) -> Any:
    return x.to(torch.float8_e4m3fn).view(torch.uint8), x.to(torch.float8_e5m2).float()


def transformed(x: Tensor) -> Any:
    return torch.vmap(lambda row: row.sin().sum())(x), torch.func.hessian(lambda y: (y**3).sum())(x[0])


def gradient_inside(x: Tensor) -> Any:
    y = x.detach().requires_grad_()
    return torch.autograd.grad(y.pow(2).sum(), y, create_graph=True)[0]


def printed(x: Tensor) -> Any:
    y = x + 1
    repr(y)
    y.tolist()
    assert (y > x).all()
    return y


AWKWARD: list[Callable[[Tensor], Any]] = [
    complex_views,
    dtype_views,
    resized,
    masked,
    scattered,
    views_of_inputs,
    many_results,
    foreach,
    scalars,
    generators,
    no_elements,
    no_dimensions,
    expanded,
    overlapping,
    small_floats,
    transformed,
    gradient_inside,
    printed,
]


@pytest.mark.parametrize("function", AWKWARD, ids=lambda function: function.__name__)
def test_awkward_code_is_recorded_as_it_runs(function: Callable[[Tensor], Any]) -> None:
    graph, x = trace(function, X), X.clone()
    assert [operation.name for operation in graph.operations] == stream_of(lambda: function(x))
    assert trace(function, X) == graph
    text = write(graph.canonical, test="tests/test_it.py::test_it", recorded="torch 2")
    assert read(text).program == graph.canonical


@pytest.mark.parametrize(
    "x",
    [
        example(4, 8).T.contiguous().T,
        example(1, 8).expand(4, 8),
        example(8, 16)[::2, ::2],
        example(4, 8).double(),
        example(4, 8).to(torch.bfloat16),
        example(4, 4, 2).to(torch.complex64).conj()[..., 0].real.repeat(1, 2),
    ],
)
def test_inputs_of_any_geometry_round_trip(x: Tensor) -> None:
    graph = trace(lambda x: (x.sin() + x, x[1:]), x)
    text = write(graph.canonical, test="tests/test_it.py::test_it", recorded="torch 2")
    assert read(text).program == graph.canonical
    assert graph.inputs[0][1].spec.shape == tuple(x.shape)
