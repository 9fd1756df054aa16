"""What a run costs: FLOPs, bytes moved and their ratio, by operation, module and phase."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from typing import TYPE_CHECKING

from pytest_torchgraph.analysis.tally import Total, total_flops
from pytest_torchgraph.analysis.traffic import bytes_moved
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import Operation
from pytest_torchgraph.words.columns import aligned

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.record import Record

STEPS = ("", "k", "M", "G", "T", "P")
BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def total_bytes(operations: Iterable[Operation], bytes_of: Callable[[Operation], int | None] = bytes_moved) -> Total:
    """Bytes moved by *operations*; one whose operands have no strided storage makes the total unknown."""
    known, unknown = 0, set()
    for operation in operations:
        moved = bytes_of(operation)
        if moved is None:
            unknown.add(operation.packet)
        else:
            known += moved
    return Total(known, tuple(sorted(unknown)))


def intensity(flops: Total, moved: Total) -> float | None:
    """FLOPs per byte moved; ``None`` where either is unknown, 0 where nothing is moved."""
    if flops.unknown or moved.unknown:
        return None
    return flops.at_least / moved.at_least if moved.at_least else 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """One row: operations, FLOPs and bytes moved of everything under ``name``, and of what is its own.

    A module's own operations are those of no module inside it; elsewhere both are the same.
    """

    name: str
    operations: int
    flops: Total
    bytes_moved: Total
    own_flops: Total
    own_bytes: Total

    @property
    def intensity(self) -> float | None:
        """FLOPs per byte moved, ``None`` where either is unknown."""
        return intensity(self.flops, self.bytes_moved)


class Costs(tuple[Cost, ...]):
    """Rows in the order of the run; prints as a table."""

    __slots__ = ()

    def named(self, name: str) -> Cost:
        """The row called *name*; raises ``LookupError`` with the names there are."""
        for row in self:
            if row.name == name:
                return row
        raise LookupError(f"no row is called {name!r}; there are: {', '.join(row.name for row in self) or 'none'}")

    def __str__(self) -> str:
        rows = [HEAD, *map(cells, self)]
        if all((row.flops, row.bytes_moved) == (row.own_flops, row.own_bytes) for row in self):
            rows = [row[:OWN] for row in rows]
        return "\n".join(aligned(rows, slice(1, None)))


HEAD = ("", "ops", "flops", "bytes", "flops/byte", "own flops", "own bytes")
OWN = 5


def cells(row: Cost) -> tuple[str, ...]:
    """The cells of one row."""
    ratio = row.intensity
    return (
        row.name,
        str(row.operations),
        scaled(row.flops, STEPS, 1000),
        scaled(row.bytes_moved, BINARY, 1024),
        "?" if ratio is None else f"{ratio:.3g}",
        scaled(row.own_flops, STEPS, 1000),
        scaled(row.own_bytes, BINARY, 1024),
    )


def scaled(total: Total, units: tuple[str, ...], step: int) -> str:
    """A total in a unit that leaves at most four digits: ``1.31 M``, ``≥20 KiB``; ``?`` when no part is known."""
    if total.unknown and not total.at_least:
        return "?"
    value, place = float(total.at_least), 0
    while value >= step and place < len(units) - 1:
        value, place = value / step, place + 1
    digits = f"{value:.0f}" if value >= 100 or not place else f"{value:.3g}"
    return f"{'≥' if total.unknown else ''}{digits} {units[place]}".rstrip()


@dataclass(slots=True)
class Gathered:
    """The operations of one row."""

    inside: list[Operation] = field(default_factory=list)
    own: list[Operation] = field(default_factory=list)

    def row(self, name: str, bytes_of: Callable[[Operation], int | None] = bytes_moved) -> Cost:
        """The finished row."""
        return Cost(
            name,
            sum(not operation.is_view for operation in self.inside),
            total_flops(self.inside),
            total_bytes(self.inside, bytes_of),
            total_flops(self.own),
            total_bytes(self.own, bytes_of),
        )


def costs_by_module(graph: Record) -> Costs:
    """One row for each module, all its calls together; the first, named after the traced callable, is everything."""
    above = [tuple(paths_above(graph, scope.index)) for scope in graph.scopes]
    gathered = {path: Gathered() for paths in above for path in reversed(paths)}
    for operation in graph.operations:
        paths = above[operation.scope]
        gathered[paths[0]].own.append(operation)
        for path in paths:
            gathered[path].inside.append(operation)
    name = graph.scopes[0].class_name
    # Each operation is in a row of its module and of all around it: its bytes are worked out once.
    moved = [bytes_moved(operation) for operation in graph.operations]
    return Costs(each.row(path or name, lambda one: moved[one.index]) for path, each in gathered.items())


def paths_above(graph: Record, scope: int) -> Iterator[str]:
    """The path of a module call and of each around it, innermost first and each once: a module may call itself."""
    seen: set[str] = set()
    above: int | None = scope
    while above is not None:
        record = graph.scopes[above]
        if record.path not in seen:
            seen.add(record.path)
            yield record.path
        above = record.parent


def costs_by(graph: Record, key: Callable[[Operation], str]) -> Costs:
    """One row for each *key* of an operation."""
    gathered: dict[str, Gathered] = {}
    for operation in graph.operations:
        each = gathered.setdefault(key(operation), Gathered())
        each.inside.append(operation)
        each.own.append(operation)
    return Costs(each.row(name) for name, each in gathered.items())


def costs_of(graph: Record, by: str) -> Costs:
    """The table of *graph* by ``module``, ``phase`` or ``operation``; raises ``ValueError`` for anything else."""
    if by == "module":
        return costs_by_module(graph)
    if by == "phase":
        return costs_by(graph, lambda operation: operation.phase)
    if by == "operation":
        return costs_by(graph, lambda operation: operation.packet)
    raise ValueError(f"costs(by={by!r}): expected 'module', 'phase' or 'operation'")
