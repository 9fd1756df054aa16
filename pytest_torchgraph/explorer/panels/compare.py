"""Two models side by side, module by module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

from pytest_torchgraph.explorer.block import Block, Grid, Heading, Line, Role, Span, line
from pytest_torchgraph.explorer.folding import Likeness
from pytest_torchgraph.explorer.formatting import count_text
from pytest_torchgraph.explorer.measure import BY_NAME, MEASURES
from pytest_torchgraph.explorer.module import Module
from pytest_torchgraph.explorer.panels.chosen import Chosen
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.subject import Subject

Modules: TypeAlias = "dict[str, Module]"
MOST = 400
MARKS: dict[str, Role] = {"=": "faint", "~": "warn", "+": "good", "-": "bad"}


@dataclass(frozen=True, slots=True)
class Pair:
    """A place in either of two models, or in both; ``count`` neighbours that are alike are told as one."""

    path: str
    before: Module | None
    after: Module | None
    label: str = ""
    count: int = 1

    @property
    def mark(self) -> str:
        """``=``, ``~`` (made otherwise), ``+`` or ``-``."""
        if self.before is None:
            return "+"
        if self.after is None:
            return "-"
        same = (self.before.class_name, self.before.arguments, self.before.parameters.at_least) == (
            self.after.class_name,
            self.after.arguments,
            self.after.parameters.at_least,
        )
        return "=" if same else "~"


class Pairing:
    """Pairs the places of two trees by name; neighbours that are alike on both sides are one pair."""

    def __init__(self) -> None:
        self.likeness = Likeness()

    def pairs(self, before: Module | None, after: Module | None, path: str) -> Iterator[Pair]:
        """*before* and *after* and all inside them, in the order of the one after."""
        yield Pair(path, before, after)
        yield from self._inside(before, after, path)

    def _inside(self, before: Module | None, after: Module | None, path: str) -> Iterator[Pair]:
        left = {child.name: child for child in before.children} if before else {}
        right = {child.name: child for child in after.children} if after else {}
        run: list[str] = []
        for name in {**right, **left}:
            if run and not self._continues(left, right, run[-1], name):
                yield from self._run(left, right, run, path)
                run = []
            run.append(name)
        if run:
            yield from self._run(left, right, run, path)

    def _run(self, left: Modules, right: Modules, run: list[str], path: str) -> Iterator[Pair]:
        name, before, after = run[0], left.get(run[0]), right.get(run[0])
        inner = f"{path}.{name}" if path else name
        label = f"{name}-{run[-1]} ×{len(run)}" if len(run) > 1 else name
        yield Pair(inner, before, after, label, len(run))
        yield from self._inside(before, after, inner)

    def _continues(self, left: Modules, right: Modules, before: str, after: str) -> bool:
        if not (before.isdecimal() and after.isdecimal() and int(after) == int(before) + 1):
            return False
        return all(self._number(side, before) == self._number(side, after) for side in (left, right))

    def _number(self, side: Modules, name: str) -> int | None:
        return self.likeness.of(side[name]) if name in side else None


def blocks(subject: Subject, chosen: Chosen) -> tuple[Block, ...]:
    """The panel."""
    if subject.before is None:
        return (line(("Only one model is open. Open two: torchgraph explore BEFORE AFTER.", "faint")),)
    path = chosen.first.path
    before, after = subject.before.modules.get(path), subject.modules_alone.get(path)
    found = list(Pairing().pairs(before, after, path))
    told = [pair for pair in found if pair.mark != "="]
    return (
        head(path, found, told),
        *totals(subject, path),
        Heading("side by side", f"{len(told)} of {len(found)} places differ"),
        table(found[:MOST], len(found)),
    )


def head(path: str, found: list[Pair], told: list[Pair]) -> Line:
    """What differs, in a line."""
    kinds = {mark: sum(pair.mark == mark for pair in told) for mark in "~+-"}
    words = [
        f"{count} {word}"
        for mark, word in (("~", "made otherwise"), ("+", "new"), ("-", "gone"))
        if (count := kinds[mark])
    ]
    return line(
        (path or found[0].path or "the whole model", "name"),
        (f"   {', '.join(words) or 'built alike'}", "warn" if words else "good"),
    )


def totals(subject: Subject, path: str) -> Iterator[Block]:
    """Each measure that both know."""
    assert subject.before is not None
    before, after = subject.before.modules.get(path), subject.modules_alone.get(path)
    rows: list[tuple[Span, ...]] = []
    for measure in MEASURES:
        if before is None or after is None or measure is BY_NAME["changes"]:
            continue
        left, right = measure.of(subject.before, [before]), measure.of(subject, [after])
        if left.value is not None and right.value is not None:
            moved = right.value - left.value
            share = f"{moved / left.value:+.1%}" if left.value and moved else ""
            role: Role = "faint" if not moved else "warn"
            rows.append(
                (
                    (measure.meaning, "faint"),
                    (measure.text(left), "number"),
                    (measure.text(right), "number"),
                    (share, role),
                )
            )
    if rows:
        yield Grid(("", ">before", ">after", ">"), tuple(rows))


def table(found: list[Pair], count: int) -> Grid:
    """One row for each place."""
    rows = tuple(row(pair, found[0].path) for pair in found)
    return Grid(
        ("", "", "before", ">params", "after", ">params"), rows, f"and {count - MOST} more" if count > MOST else ""
    )


def row(pair: Pair, root: str) -> tuple[Span, ...]:
    """The cells of one place."""
    role = MARKS[pair.mark]
    depth = pair.path.count(".") - root.count(".") if root else pair.path.count(".") + bool(pair.path)
    name = "  " * depth + (pair.label or pair.path.rpartition(".")[2] or "the model")
    cells: list[Span] = [
        (pair.mark if pair.mark != "=" else " ", role),
        (name, "name" if pair.mark != "=" else "faint"),
    ]
    for side in (pair.before, pair.after):
        cells.append((side.title if side else "", role if pair.mark != "=" else "kind"))
        cells.append((count_text(side.parameters) if side else "", "number" if pair.mark != "=" else "faint"))
    return tuple(cells)
