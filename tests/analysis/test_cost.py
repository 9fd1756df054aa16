"""Bytes moved follow the geometry of operands; tables add up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.analysis.traffic import bytes_moved, bytes_read, bytes_written, width_of
from pytest_torchgraph.graph import Graph
from tests.capture.small import Calls, example


def moved(function: Callable[..., Any], *args: Any) -> tuple[int | None, int | None]:
    """What the only working operation of *function* reads and writes."""
    with torch.no_grad():
        graph = trace(function, args)
    (operation,) = (one for one in graph.operations if not one.is_view and "empty" not in one.name)
    return bytes_read(operation), bytes_written(operation)


X = example(4, 8)
ROW = example(8)
TABLE = example(100, 8)
WORDS = torch.tensor([1, 2, 3])


@pytest.mark.parametrize(
    ("function", "read", "written"),
    [
        (lambda: X + X, 128, 128),
        (lambda: X + ROW, 160, 128),
        (lambda: X + ROW.expand(4, 8), 160, 128),
        (lambda: X[:, :2] + 1, 32, 32),
        (X.T.contiguous, 128, 128),
        (lambda: X[:3] + X[1:], 128, 96),
        (lambda: X.to(torch.bfloat16), 128, 64),
        (lambda: X @ X.T, 128, 64),
        (X.clone, 128, 128),
        (lambda: torch.zeros(3), 0, 12),
        (lambda: torch.empty(3).copy_(ROW[:3]), 12, 12),
        (lambda: torch.empty(3).fill_(1), 0, 12),
        (lambda: torch.empty(3).mul_(2), 12, 12),
        (lambda: torch.add(ROW, ROW, out=torch.empty(8)), 32, 32),
        (lambda: nn.functional.embedding(WORDS, TABLE), 24 + 96, 96),
        (lambda: TABLE[WORDS], 24 + 96, 96),
        (ROW.sum, 32, 4),
        (lambda: torch._foreach_mul([X, ROW], 2.0), 160, 160),
    ],
)
def test_an_operation_moves_what_it_reads_and_writes(function: Callable[[], Any], read: int, written: int) -> None:
    assert moved(function) == (read, written)


def test_a_write_to_some_rows_moves_those_rows() -> None:
    cache = torch.zeros(1, 100, 8)
    with torch.no_grad():
        graph = trace(lambda x: cache.index_copy_(1, WORDS[:1], x), example(1, 1, 8))
    (operation,) = (one for one in graph.operations if not one.is_view)
    # The row that is written, read and written again in the cache, and the place.
    assert bytes_moved(operation) == 3 * 32 + 8


def test_views_and_metadata_move_nothing() -> None:
    def reshaped(x: Tensor) -> Tensor:
        y = torch.empty(3, 4)
        y.unsqueeze_(0)
        y.resize_(5, 5)
        return x.view(32).unflatten(0, (2, 16)).T[1:]

    graph = trace(reshaped, X)
    assert graph.operations
    assert graph.bytes_moved.exactly() == 0
    assert graph.intensity == 0.0


def test_a_tensor_without_strides_makes_the_bytes_unknown() -> None:
    sparse = torch.eye(3).to_sparse()
    graph = trace(lambda: (sparse.coalesce(), X + 1), ())
    assert str(graph.bytes_moved).startswith("≥")
    assert graph.bytes_moved.at_least == 256
    assert graph.intensity is None
    with pytest.raises(ValueError, match=r"bytes are known only in part \(≥256\): no geometry in aten\."):
        _ = graph.select(op="*").bytes_moved
    assert "?" in str(graph.costs("operation"))


def test_elements_have_a_width() -> None:
    names = ("float32", "bfloat16", "float64", "bool", "uint8", "int64", "complex64", "float8_e4m3fn", "qint8")
    assert [width_of(name) for name in names] == [4, 2, 8, 1, 1, 8, 8, 1, 1]


def recursive(module: Any, x: Tensor, depth: int = 0) -> Tensor:
    x = module.mix(x)
    return x if depth == 2 else module(x, depth + 1)


@pytest.fixture(scope="module")
def stepped() -> Graph:
    inner = nn.Sequential(nn.Linear(8, 8), nn.GELU())
    model = nn.Sequential(inner, nn.Linear(8, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return trace(model, X, backward=True, optimizer=optimizer)


def test_a_row_of_a_module_holds_what_is_inside_it(stepped: Graph) -> None:
    table = stepped.costs("module")
    assert [row.name for row in table] == ["Sequential", "0", "0.0", "0.1", "1"]
    root, inner, linear = table[0], table.named("0"), table.named("0.0")
    assert root.flops == stepped.flops
    assert root.bytes_moved == stepped.bytes_moved
    assert inner.flops == linear.flops
    assert inner.own_flops.exactly() == 0
    assert linear.own_flops == linear.flops
    assert sum(row.own_flops.at_least for row in table) == stepped.flops.exactly()
    assert sum(row.own_bytes.at_least for row in table) == stepped.bytes_moved.exactly()
    assert linear.intensity == pytest.approx(linear.flops.at_least / linear.bytes_moved.at_least)


def test_phases_and_kinds_of_operations_add_up(stepped: Graph) -> None:
    phases = stepped.costs("phase")
    assert [row.name for row in phases] == ["forward", "backward", "optimizer"]
    for table in (phases, stepped.costs("operation")):
        assert sum(row.flops.at_least for row in table) == stepped.flops.exactly()
        assert sum(row.bytes_moved.at_least for row in table) == stepped.bytes_moved.exactly()
    assert phases.named("optimizer").flops.exactly() == 0
    selected = stepped.select(phase="forward")
    assert selected.bytes_moved == phases.named("forward").bytes_moved.exactly()
    assert selected.intensity == phases.named("forward").intensity


def test_a_module_that_calls_itself_is_counted_once() -> None:
    with torch.no_grad():
        graph = trace(Calls(recursive, mix=nn.Linear(8, 8)), X)
    table = graph.costs()
    assert table[0].flops == graph.flops
    assert table.named("mix").flops == graph.flops


def test_a_table_reads_like_one(stepped: Graph) -> None:
    assert str(stepped.costs("phase")).splitlines()[:3] == [
        "           ops   flops     bytes  flops/byte",
        "forward      4     768  1.18 KiB       0.638",
        "backward     7  1.02 k  1.57 KiB       0.638",
    ]
    assert str(stepped.costs("module")).splitlines()[0].endswith("own flops  own bytes")
    with pytest.raises(LookupError, match="no row is called 'nowhere'; there are: forward, backward, optimizer"):
        stepped.costs("phase").named("nowhere")
    with pytest.raises(ValueError, match="expected 'module', 'phase' or 'operation'"):
        stepped.costs("layer")  # type: ignore[arg-type]
