"""Budgets on what the compiler made of a model: how many graphs, breaks, recompilations and kernels, and where."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from pytest_torchgraph.recorded.compilation import CodeLine, Compilation, GraphBreak
from pytest_torchgraph.words.nearest import nearest

BREAKS = "graph_breaks"
OF_PACKAGE = f"{BREAKS}."
Counter: TypeAlias = "Callable[[Compilation], int]"
COUNTERS: Mapping[str, Counter] = {
    "graphs": lambda made: len(made.graphs),
    BREAKS: lambda made: len(made.breaks),
    "recompiles": lambda made: len(made.recompiles),
    "uncompiled": lambda made: made.uncompiled,
    "kernels": lambda made: 0 if made.kernels is None else made.kernels.called,
    "extern_kernels": lambda made: 0 if made.kernels is None else made.kernels.extern,
}
OF_KERNELS = frozenset({"kernels", "extern_kernels"})
ASK = "check with torch_graph.check_compiled(model, inputs), or trace with compiled=True"


def is_compiled_key(key: str) -> bool:
    """Whether *key* is of compiled models: ``graphs``, ``graph_breaks.PACKAGE``."""
    return key in COUNTERS or (key.startswith(OF_PACKAGE) and len(key) > len(OF_PACKAGE))


def fault_of(compilation: Compilation | None, key: str) -> str:
    """Why *key* limits nothing here; empty where it does."""
    if compilation is None:
        return f"this run was not compiled: {ASK}."
    if key in OF_KERNELS and compilation.kernels is None:
        return "no kernels were generated: pass kernels=True to torch_graph.check_compiled."
    package = key.removeprefix(OF_PACKAGE)
    if key.startswith(OF_PACKAGE) and package not in _packages(compilation):
        return f"no package {package!r} was imported{nearest(package, sorted(_packages(compilation)))}"
    return ""


def _packages(compilation: Compilation) -> set[str]:
    found = {one.line.package for one in compilation.breaks}
    return found | {name.partition(".")[0] for name in sys.modules}


def count_of(compilation: Compilation, key: str) -> int:
    """What *key* counts."""
    if key.startswith(OF_PACKAGE):
        return len(breaks_of(compilation, key))
    return COUNTERS[key](compilation)


def breaks_of(compilation: Compilation, key: str) -> list[GraphBreak]:
    """The graph breaks that *key* counts: all, or those in a package."""
    package = key.removeprefix(OF_PACKAGE)
    return [one for one in compilation.breaks if key == BREAKS or one.line.package == package]


def places_of(compilation: Compilation, key: str) -> Iterator[str]:
    """Each of what *key* counts, with file and line."""
    if key.startswith(BREAKS):
        yield from (f"{place_text(one.line)}: {one.title}" for one in breaks_of(compilation, key))
    elif key == "recompiles":
        yield from (f"{place_text(one.line)}: {one.guard}" for one in compilation.recompiles)
    elif key == "graphs":
        yield from (f"graph {one.number}: {place_text(one.line)}" for one in compilation.graphs)


def place_text(line: CodeLine) -> str:
    """``/home/me/model.py:384 in forward `if seq_len > 4:```; without the number where it is not known."""
    at = f"{line.source.file}:{line.source.line}" if line.source is not None else line.file
    return f"{at} in {line.function}" + (f" `{line.text}`" if line.text else "")
