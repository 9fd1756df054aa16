"""The module's ``forward``, with what each line asked for beside it."""

from __future__ import annotations

import inspect
import linecache
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.analysis.performance import source_of
from pytest_torchgraph.explorer.block import Block, Code, Heading, Missing, line
from pytest_torchgraph.explorer.panels.chosen import RUN_IT, Chosen, title_of
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.words.printable import printable

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.subject import Subject
    from pytest_torchgraph.recorded.operation import Operation

NAMED = 3
AROUND = 2
LONGEST = 400
"""Lines of a source that are shown."""


@dataclass(frozen=True, slots=True)
class Source:
    """Lines of a file from ``start`` on."""

    file: str
    start: int
    lines: tuple[str, ...]

    @property
    def place(self) -> str:
        """``model.py:12``."""
        return f"{PurePath(self.file).name}:{self.start}"


def blocks(subject: Subject, chosen: Chosen) -> tuple[Block, ...]:
    """The panel."""
    title = title_of(chosen)
    if subject.known == "file":
        return title, Missing("no source lines", RUN_IT)
    operations = operations_of(subject, chosen)
    found: list[Block] = [title]
    source = forward_of(live(subject, chosen.first.path))
    if source is not None:
        found += [Heading("forward", source.place), code(source, operations)]
    elsewhere = [one for one in operations if not is_in(one, subject, source)]
    found += asked(elsewhere)
    if len(found) == 1:
        found.append(
            Missing("no source", "The class has no Python source, and no line of yours asked for its operations.")
        )
    return tuple(found)


def live(subject: Subject, path: str) -> Any:
    """The live module at *path*; ``None`` where there is none."""
    try:
        return None if subject.model is None else subject.model.get_submodule(path)
    except AttributeError:
        return None


def forward_of(module: Any) -> Source | None:
    """The source of the function that runs when *module* is called."""
    if module is None:
        return None
    try:
        function = inspect.unwrap(type(module).forward)
        lines, start = inspect.getsourcelines(function)
        file = inspect.getsourcefile(function) or ""
    except (OSError, TypeError, ValueError):
        return None
    told = tuple(text.rstrip("\n") for text in lines[:LONGEST])
    return Source(file, start, dedented(told))


def dedented(lines: tuple[str, ...]) -> tuple[str, ...]:
    """*lines* without the blanks that all of them begin with."""
    widths = [len(text) - len(text.lstrip()) for text in lines if text.strip()]
    return tuple(text[min(widths, default=0) :] for text in lines)


def operations_of(subject: Subject, chosen: Chosen) -> list[Operation]:
    """What the module and those inside asked for in the forward pass."""
    graph = subject.graph
    if graph is None:
        return []
    found = (graph.operations[index] for index in subject.operations(chosen.first.path))
    return [one for one in found if one.phase == FORWARD and one.source is not None]


def is_in(operation: Operation, subject: Subject, source: Source | None) -> bool:
    """Whether a line of *source* asked for *operation*."""
    place = None if subject.graph is None else source_of(subject.graph, operation)
    if source is None or place is None or place.file != source.file:
        return False
    return source.start <= place.line < source.start + len(source.lines)


def code(source: Source, operations: Iterable[Operation]) -> Code:
    """*source* with the operations beside the lines that asked for them."""
    asked: dict[int, list[Operation]] = {}
    for operation in operations:
        place = operation.source
        if (
            place is not None
            and place.file == source.file
            and source.start <= place.line < source.start + len(source.lines)
        ):
            asked.setdefault(place.line, []).append(operation)
    waiting = frozenset(number for number, members in asked.items() if any(one.is_sync for one in members))
    return Code(source.lines, source.start, {number: told(members) for number, members in asked.items()}, waiting)


def told(operations: list[Operation]) -> str:
    """``4 addmm, 1 gelu``; views come last."""
    names = Counter(one.packet.removeprefix("aten.") for one in operations if not one.is_view)
    views = sum(one.is_view for one in operations)
    parts = [name if count == 1 else f"{count} {name}" for name, count in names.most_common(NAMED)]
    rest = len(names) - NAMED
    parts += [f"{rest} more"] if rest > 0 else []
    parts += [f"{views} view{'s' * (views > 1)}"] if views else []
    return ", ".join(parts)


def asked(operations: list[Operation]) -> list[Block]:
    """The lines elsewhere that asked for *operations*, with a few lines around each."""
    places: dict[tuple[str, int], list[Operation]] = {}
    for operation in operations:
        if operation.source is not None:
            places.setdefault((operation.source.file, operation.source.line), []).append(operation)
    found: list[Block] = []
    for (file, number), members in list(places.items())[:NAMED]:
        lines = [text.rstrip("\n") for text in linecache.getlines(file)]
        first = max(number - AROUND, 1)
        near = dedented(tuple(lines[first - 1 : number + AROUND]))
        found.append(
            Heading(
                "asked for at",
                f"{PurePath(file).name}:{number}, in {members[0].source.function if members[0].source else ''}",
            )
        )
        if near:
            found.append(Code(near, first, {number: told(members)}, frozenset({number})))
        else:
            found.append(line((printable(told(members)), "accent")))
    rest = len(places) - NAMED
    if rest > 0:
        found.append(line((f"and {rest} more lines, in modules inside: choose one of them", "faint")))
    return found
