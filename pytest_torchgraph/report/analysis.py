"""An analysis as tables for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from io import StringIO
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.analysis.cost import BINARY, STEPS, scaled
from pytest_torchgraph.analysis.tally import Total
from pytest_torchgraph.diff.grouping import NAMED
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.module import INDEX
from pytest_torchgraph.verdict.quantity import seconds
from pytest_torchgraph.words.counting import listed, times

if TYPE_CHECKING:
    from pytest_torchgraph.analysis.layer import Layer
    from pytest_torchgraph.analysis.overview import Analysis, MemoryUse
    from pytest_torchgraph.analysis.performance import Performance
    from pytest_torchgraph.analysis.recomputation import Recomputation

WIDE = 44
"""Columns within which a name is never folded."""
LINES = 8
"""Source lines that are told one by one."""
KINDS = 12
"""Kinds of operations that are told one by one."""


def render(analysis: Analysis, *, colour: bool = False, width: int = 120, depth: int | None = None) -> str:
    """The tables as text. *depth* is how deep modules may lie in modules; those that do the same are one row."""
    from rich.console import Console

    text = StringIO()
    console = Console(file=text, width=width, force_terminal=colour, no_color=not colour, highlight=False, emoji=False)
    for part in parts(analysis, depth):
        console.print(printable(part), markup=False) if isinstance(part, str) else console.print(part)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def parts(analysis: Analysis, depth: int | None) -> Iterator[Any]:
    """Lines and tables in order."""
    yield from head(analysis)
    yield modules(analysis, depth)
    yield kinds(analysis)
    yield costliest(analysis.performance)
    yield memory_line(analysis.memory)
    yield memory(analysis.memory)
    yield from by_line(analysis.memory)
    yield from recomputed(analysis.recomputation)


def head(analysis: Analysis) -> Iterator[str]:
    """What was run, how fast, and what it waits for."""
    run, path = analysis.performance, analysis.critical_path
    done = times(run.operations, "operation", ",")
    yield (
        f"{analysis.model}: {done}, {flops(run.flops)}, {size(run.bytes_moved)} moved"
        + ("" if run.intensity is None else f", {run.intensity:.3g} FLOPs per byte")
    )
    if run.collectives:
        yield f"{times(run.collectives, 'collective', ',')}, messages of {size(run.communicated)}"
    if run.seconds is not None and run.in_operations is not None and run.overhead is not None:
        runs = times(run.runs or 1, "run", ",")
        spread = "" if run.spread is None else f" ± {seconds(run.spread)}"
        yield (
            f"{seconds(run.seconds)}{spread} ({runs}), {seconds(run.in_operations)} of it in "
            f"operations; {seconds(run.overhead)} of recording taken out"
        )
        yield f"{rate(run.operations_per_second)}operations/s, {rate(run.flops_per_second)}FLOP/s"
    long = seconds(path.length) if path.by == "time" else times(round(path.length), "operation")
    yield f"critical path: {long} of {seconds(path.whole) if path.by == 'time' else f'{path.whole:.0f}'}"
    yield ""


def table(title: str, names: Sequence[str], left: int = 1, wide: int = WIDE + 1) -> Any:
    """An empty table; the first *left* columns are text, the others numbers. The first one is *wide*."""
    from rich import box
    from rich.table import Table

    made = Table(
        title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for place, name in enumerate(names):
        if place < left:
            made.add_column(name, overflow="fold", no_wrap=place == 0 and wide <= WIDE)
        else:
            made.add_column(name, justify="right", no_wrap=True)
    return made


def add(made: Any, cells: Iterable[str]) -> None:
    """Add a row of plain text."""
    from rich.text import Text

    made.add_row(*(Text(printable(cell)) for cell in cells))


def printable(text: str) -> str:
    """*text* without what a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in text)


@dataclass(slots=True)
class Alike:
    """Modules that do the same, as one row; ``around`` is the path of the row that it stands beneath."""

    around: str = ""
    rows: list[Layer] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The path, with ``*`` where it differs."""
        return self.rows[0].path if len(self.rows) == 1 else INDEX.sub("*", self.rows[0].path)

    @property
    def name(self) -> str:
        """The path in the row around, class and number."""
        first = self.rows[0]
        path = self._told(self.path.removeprefix(f"{self.around}.") if self.around else self.path)
        many = f" ×{len(self.rows)}" if len(self.rows) > 1 else ""
        return f"{'  ' * first.depth}{path}{': ' if path else ''}{first.class_name}{many}"

    def _told(self, path: str) -> str:
        """*path* in the row around; where it has nothing but numbers, which they are: ``0, 1, 2``."""
        if len(self.rows) == 1 or any(letter.isalpha() for letter in path):
            return path
        parts = path.count(".") + 1
        numbers = [*dict.fromkeys(".".join(row.path.split(".")[-parts:]) for row in self.rows)]
        return listed(numbers, NAMED)

    def total(self, part: Callable[[Layer], float | None]) -> float | None:
        """The sum over all, ``None`` where one is unknown."""
        found = [part(row) for row in self.rows]
        known = [one for one in found if one is not None]
        return sum(known) if len(known) == len(found) else None

    def sum(self, part: Callable[[Layer], Total]) -> Total:
        """The sum over all."""
        found = [part(row) for row in self.rows]
        return Total(sum(one.at_least for one in found), tuple(sorted({name for one in found for name in one.unknown})))


def folded(layers: Sequence[Layer], depth: int | None) -> list[Alike]:
    """The rows in order, those that do the same together."""
    found: dict[object, Alike] = {}
    for layer in layers:
        if (depth is None or layer.depth <= depth) and (layer.operations or layer.parameters):
            found.setdefault(sameness(layer), Alike()).rows.append(layer)
    rows = list(found.values())
    for place, row in enumerate(rows):
        around = (one for one in reversed(rows[:place]) if one.rows[0].depth < row.rows[0].depth)
        row.around = next((one.path for one in around if row.path.startswith(f"{one.path}.")), "")
    return rows


def sameness(layer: Layer) -> object:
    """What modules have in common that do the same in the forward pass."""
    shapes = (layer.inputs, layer.outputs, layer.parameters, layer.calls)
    return INDEX.sub("*", layer.path), layer.class_name, layer.depth, layer.forward_operations, shapes


def modules(analysis: Analysis, depth: int | None) -> Any:
    """What each module does and costs, everything inside it included."""
    timed = analysis.performance.seconds is not None
    names = ("module", "out", "ops", "params", "FLOPs", "moved", *TIMES[: 2 * timed], "at peak")
    rows = folded(analysis.layers, depth)
    made = table("modules", names, left=2, wide=max(len(alike.name) for alike in rows))
    for alike in rows:
        first, share = alike.rows[0], alike.total(lambda row: row.share_of_peak)
        times = (
            seconds(alike.total(part)) for part in (lambda row: row.forward_seconds, lambda row: row.backward_seconds)
        )
        cells = [
            alike.name,
            " ".join(first.outputs[:1]) + (" …" if len(first.outputs) > 1 else ""),
            f"{alike.total(lambda row: row.operations):,.0f}",
            f"{alike.total(lambda row: row.parameters):,.0f}",
            scaled(alike.sum(lambda row: row.flops), STEPS, 1000),
            size(alike.sum(lambda row: row.bytes_moved)),
            *(times if timed else ()),
            "?" if share is None else f"{share:.0%}",
        ]
        add(made, cells)
    return made


TIMES = ("forward", "backward")


def kinds(analysis: Analysis) -> Any:
    """Operations by name."""
    timed = analysis.performance.seconds is not None
    made = table("operations", ("operation", "count", *("time",) * timed, "FLOPs", "moved", "FLOPs/byte"))
    for kind in analysis.kinds[:KINDS]:
        intensity = "?" if kind.intensity is None else f"{kind.intensity:.3g}"
        times = (seconds(kind.seconds),) * timed
        cells = (f"{kind.operations:,}", *times, scaled(kind.flops, STEPS, 1000), size(kind.bytes_moved), intensity)
        add(made, (kind.name.removeprefix("aten."), *cells))
    rest = analysis.kinds[KINDS:]
    if rest:
        add(made, (f"and {len(rest)} more", f"{sum(kind.operations for kind in rest):,}"))
    return made


def costliest(run: Performance) -> Any:
    """The operations that cost most."""
    timed = run.seconds is not None
    names = ("operation", "module", "result", *("time",) * timed, "FLOPs", "moved", "source")
    made = table("costliest", names, left=3)
    for row in run.costliest:
        known = Total(row.flops) if row.flops is not None else Total(0, ("?",))
        moved = Total(row.bytes_moved) if row.bytes_moved is not None else Total(0, ("?",))
        spread = "" if row.spread is None else f" ±{seconds(row.spread)}"
        own = row.name.removeprefix("aten.")
        name = own if row.phase == "forward" or own.endswith(row.phase) else f"{own} ({row.phase})"
        source = (row.source or "").replace("\\", "/").rpartition("/")[2]
        times = (f"{seconds(row.seconds)}{spread}",) * timed
        cells = (*times, scaled(known, STEPS, 1000), size(moved), source)
        add(made, (name, row.module, " ".join(row.results[:1]), *cells))
    return made


def memory_line(use: MemoryUse) -> str:
    """The peak and where it is."""
    place = ": ".join(filter(None, (use.peak_module, (use.peak_operation or "").removeprefix("aten."))))
    return f"memory: peak {size(Total(use.peak))}{f' at {place}' if place else ''}"


def memory(use: MemoryUse) -> Any:
    """What is alive at the peak."""
    made = table("", ("at the peak", "bytes", "share"))
    for category, count in (use.by_category or {}).items():
        if count:
            add(made, (category, size(Total(count)), f"{count / max(use.peak, 1):.0%}"))
    if use.saved_for_backward:
        add(made, ("saved for backward, in all", size(Total(use.saved_for_backward)), ""))
    return made


def by_line(use: MemoryUse) -> Iterator[Any]:
    """What is alive at the peak by the line that made it and what keeps it, and what the run leaves behind."""
    for title, lines in (("at the peak, by line", use.lines), ("left behind by the run", use.left_behind)):
        if lines:
            made = table("", (title, "bytes", "kept by"), left=1)
            made.columns[-1].justify = "left"
            made.columns[-1].no_wrap = False
            for line in lines[:LINES]:
                place = f" {PurePath(line.source.file).name}:{line.source.line}" if line.source else ""
                many = f" ×{line.count}" if line.count > 1 else ""
                module = f" in {line.module}" if line.module else ""
                add(made, (f"{line.name}{many}{module}{place}", size(Total(line.bytes)), line.keeper))
            if len(lines) > LINES:
                rest = lines[LINES:]
                add(made, (times(len(rest), "other line"), size(Total(sum(line.bytes for line in rest))), ""))
            yield made


def recomputed(again: Recomputation) -> Iterator[str]:
    """What was computed more than once."""
    if again.operations:
        time = "" if again.seconds is None else f", {seconds(again.seconds)}"
        yield f"recomputed by checkpointing: {times(again.operations, 'operation', ',')}, {flops(again.flops)}{time}"
    if again.repeated:
        listed = ", ".join(f"{count} {name}" for name, count in list(again.repeated.items())[:5])
        yield f"done again with the same operands: {listed}"


def size(total: Total) -> str:
    """``1.3 MiB``."""
    return scaled(total, BINARY, 1024)


def flops(total: Total) -> str:
    """``1.3 MFLOPs``."""
    text = scaled(total, STEPS, 1000)
    return f"{text} FLOPs" if text[-1].isdigit() or text == "?" else f"{text}FLOPs"


def rate(value: float | None) -> str:
    """``1.3 G``, to be followed by what it counts."""
    return "? " if value is None else f"{scaled(Total(round(value)), STEPS, 1000)} "
