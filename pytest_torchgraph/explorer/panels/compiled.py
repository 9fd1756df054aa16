"""What a compiler made of the chosen modules: graphs, graph breaks and what it compiled again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_torchgraph.explorer.block import Block, Grid, Heading, Span, line
from pytest_torchgraph.words.counting import times
from pytest_torchgraph.words.printable import printable

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.panels.chosen import Chosen
    from pytest_torchgraph.recorded.compilation import CodeLine, Compilation, CompiledGraph

NOUNS = (("graphs", "graph"), ("graph_breaks", "graph break"), ("recompiles", "recompilation"))
MOST = 100
"""Rows of a table; of more, the number."""


def compiled_blocks(compilation: Compilation | None, chosen: Chosen) -> Iterator[Block]:
    """What was made of the chosen modules and of those inside; of the model itself, everything."""
    if compilation is None:
        return
    paths = [one.path for one in chosen.modules]
    graphs = [one for one in compilation.graphs if is_within(one.module, paths)]
    breaks = [one for one in compilation.breaks if is_within(one.module, paths)]
    again = [one for one in compilation.recompiles if is_within(one.module, paths)]
    if not (graphs or breaks or again):
        return
    yield Heading("compiled", f"by {compilation.backend}")
    yield line((whole_text(compilation), "faint"))
    if graphs:
        more = f"and {len(graphs) - MOST} more" if len(graphs) > MOST else ""
        yield Grid((">graph", "in", "of", ">forward", ">backward", ">runs", "symbols"), rows(graphs[:MOST]), more)
    for broken in breaks[:MOST]:
        yield line(("break  ", "bad"), printable(broken.title), *place_of(broken.line, broken.module), indent=7)
    for one in again[:MOST]:
        yield line(("again  ", "warn"), printable(one.guard), *place_of(one.line, one.module), indent=7)


def is_within(path: str, paths: list[str]) -> bool:
    """Whether the module at *path* is one of those at *paths*, or inside one."""
    return any(not one or path == one or path.startswith(f"{one}.") for one in paths)


def whole_text(compilation: Compilation) -> str:
    """``the whole model: 4 graphs, 1 graph break, 2 recompilations, 1 operation in none of them``."""
    counts = dict(compilation.counts)
    told = ", ".join(times(counts[name], noun) for name, noun in NOUNS)
    left = f", {times(compilation.uncompiled, 'operation')} in no graph" if compilation.uncompiled else ""
    return f"the whole model: {told}{left}"


def rows(graphs: list[CompiledGraph]) -> tuple[tuple[Span, ...], ...]:
    """One row for each graph."""
    return tuple(
        (
            (str(one.number), "number"),
            (printable(one.module) or "the model", "name"),
            (printable(one.line.function), "code"),
            (str(one.forward), "number"),
            ("" if one.backward is None else str(one.backward), "number"),
            (str(one.runs), "number"),
            (", ".join(one.dynamic), "kind"),
        )
        for one in graphs
    )


def place_of(code: CodeLine, module: str) -> Iterator[Span]:
    """Where something is in the code and in the model."""
    number = f":{code.source.line}" if code.source is not None else ""
    yield f"  {printable(code.file)}{number} in {printable(code.function)}", "faint"
    if code.text:
        yield f"  {printable(code.text)}", "code"
    yield f"  {printable(module) or 'the model'}", "name"
