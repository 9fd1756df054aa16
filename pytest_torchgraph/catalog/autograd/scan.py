"""From folders to an :class:`~pytest_torchgraph.catalog.autograd.source.Inventory`."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_torchgraph.catalog.autograd import cpp, derivatives, place, python
from pytest_torchgraph.catalog.autograd.area import CORE, PYTHON_CORE, TOOLS, area_of, layer_of
from pytest_torchgraph.catalog.autograd.dependency import resolved
from pytest_torchgraph.catalog.autograd.node import backward_nodes
from pytest_torchgraph.catalog.autograd.source import Formula, Gap, Inventory, Reading, SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_torchgraph.catalog.autograd.place import Candidate, Place

OWN = (CORE, PYTHON_CORE, TOOLS)
GIVEN = "--source"
"""Stands for the path of a given folder that is no checkout."""
NO_TORCH = "PyTorch is not installed in this environment, and no checkout is given"


class NothingToRead(LookupError):
    """Neither an installed torch nor a checkout."""


def inventory(source: Path | None = None, *, only_core: bool = False) -> Inventory:
    """The autograd sources of the installed torch, or those of the checkout *source* with its generated headers.

    *only_core* leaves out what lies outside of autograd's own folders; nearly all node classes lie inside.

    What cannot be read is listed as a gap. Raises :exc:`~pytest_torchgraph.catalog.autograd.cpp.ParserMissing` without
    the parser and :exc:`NothingToRead` where there is nothing at all.
    """
    cpp.parser()
    gaps: list[Gap] = []
    here, given = place.installed(), _checkout(source, gaps)
    if here is None and given is None:
        raise NothingToRead("; ".join([*(gap.reason for gap in gaps), NO_TORCH]))
    places = [found for found in (given, here) if found]
    for found in places[:1]:
        gaps += [Gap(path=path, reason="the folder is missing") for path in place.missing(found)]
    with _collector_paused():
        files, formulas = _read_all(_candidates(places, OWN if only_core else ("",)), gaps)
    origin = " with the generated headers of ".join(found.origin for found in places)
    files = resolved(files)
    return Inventory(
        origin=origin,
        files=tuple(files),
        nodes=backward_nodes(files, formulas),
        gaps=tuple(sorted(gaps, key=lambda gap: (gap.path, gap.reason))),
    )


def _checkout(source: Path | None, gaps: list[Gap]) -> Place | None:
    if source is None:
        return None
    try:
        return place.checkout(source)
    except place.NotACheckout as error:
        gaps.append(Gap(path=GIVEN, reason=str(error)))
        return None


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Hundreds of thousands of records without a cycle: the collector would visit them all, again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _candidates(places: list[Place], within: tuple[str, ...]) -> Iterator[Candidate]:
    """All of the first place; of a second one what a build generates."""
    seen: set[str] = set()
    for number, here in enumerate(places):
        for candidate in place.candidates(here, within):
            if candidate.name not in seen and (number == 0 or candidate.name.startswith(place.GENERATED)):
                seen.add(candidate.name)
                yield candidate


def _read_all(candidates: Iterator[Candidate], gaps: list[Gap]) -> tuple[list[SourceFile], list[Formula]]:
    files: list[SourceFile] = []
    formulas: list[Formula] = []
    for candidate in candidates:
        problem, reading = candidate.problem, Reading()
        if not problem:
            try:
                reading = _reading(candidate)
                if candidate.name == derivatives.FILE:
                    formulas += derivatives.read(candidate.content.decode(), candidate.path)
            except (SyntaxError, ValueError, RecursionError) as error:
                problem = _reason(error)
        if problem:
            gaps.append(Gap(path=candidate.path, reason=problem))
        files.append(_file(candidate, reading))
    return sorted(files, key=lambda file: file.path), formulas


def _reading(candidate: Candidate) -> Reading:
    candidate.content.decode()
    if candidate.language == "Python":
        return python.read(candidate.content, candidate.name)
    return Reading() if candidate.language == "YAML" else cpp.read(candidate.content)


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}"
    if isinstance(error, SyntaxError):
        return f"is no Python that this interpreter reads: {error.msg} (line {error.lineno})"
    return str(error) or type(error).__name__


def _file(candidate: Candidate, reading: Reading) -> SourceFile:
    area = area_of(candidate.name, reading.definitions)
    return SourceFile(
        path=candidate.path,
        name=candidate.name,
        area=area,
        layer=layer_of(candidate.name, area),
        language=candidate.language,
        size_bytes=len(candidate.content),
        lines=candidate.content.count(b"\n") + (candidate.content[-1:] not in (b"", b"\n")),
        summary=reading.summary,
        definitions=reading.definitions,
        includes=reading.includes,
        unread=reading.unread,
    )
