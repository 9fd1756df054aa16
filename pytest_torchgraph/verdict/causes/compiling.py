"""What the compiler makes of the model otherwise: graph breaks, recompilations, dimensions that are symbols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from pytest_torchgraph.diff.change import BreakChanged, Difference, GraphChanged, RecompileChanged
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Seen
from pytest_torchgraph.words.counting import times

Told: TypeAlias = "BreakChanged | RecompileChanged"
FEW = 2
BREAK = Cause("graph-break", "one graph became several, with Python between them; TORCH_LOGS=graph_breaks tells why")
BREAK_ONLY = Cause("graph-break", "the compiler stops there and Python goes on; TORCH_LOGS=graph_breaks tells why")
MENDED = Cause("break-removed", "the compiler goes on where it stopped")
RECOMPILE = Cause("recompiled", "the same code is compiled more than once; TORCH_LOGS=recompiles tells why")
KEPT = Cause("recompile-removed", "what was compiled serves where it was compiled again")
DYNAMIC = Cause("dynamic-sizes", "other sizes of inputs are symbols: what is compiled serves other inputs than before")


def compiling(seen: Seen) -> Iterator[Claim]:
    """Graph breaks, recompilations and symbolic sizes that came or went; what only reads otherwise is beneath."""
    for kind, came, went in (
        (BreakChanged, breaks_cause(seen.difference), MENDED),
        (RecompileChanged, RECOMPILE, KEPT),
    ):
        every = [change for change in seen.changes if isinstance(change, kind)]
        yield from _claims(every, came, went, seen.difference)
    sizes = [one for one in seen.changes if isinstance(one, GraphChanged) and one.before.dynamic != one.after.dynamic]
    if sizes:
        yield Claim(DYNAMIC, "compile", _sizes_text(sizes), tuple(sizes))


def breaks_cause(difference: Difference) -> Cause:
    """The cause of a graph break that came; that there are more graphs is said where it is so."""
    before, after = difference.metric("graphs")
    return BREAK if before == 1 and (after or 0) > 1 else BREAK_ONLY


def _claims(
    every: Sequence[BreakChanged | RecompileChanged], came: Cause, went: Cause, difference: Difference
) -> Iterator[Claim]:
    added = [change for change in every if change.before is None]
    removed = [change for change in every if change.after is None]
    if added:
        yield Claim(came, "compile", f"{_graphs_text(difference)}{_text(added, 'new')}", tuple(added), "more")
    if removed:
        yield Claim(went, "compile", f"{_graphs_text(difference)}{_text(removed, 'fewer')}", tuple(removed), "fewer")
    reworded = [change for change in every if change.before and change.after and _reads_otherwise(change)]
    if reworded:
        yield Claim(came, "compile", _reworded_text(reworded), tuple(reworded), beneath=True)


def _reads_otherwise(change: Told) -> bool:
    return told_of(change.before) != told_of(change.after)


def told_of(fact: object) -> str:
    """What is told of a graph break or a recompilation: its title, or the guard that failed."""
    return str(getattr(fact, "title", None) or getattr(fact, "guard", ""))


def _graphs_text(difference: Difference) -> str:
    before, after = difference.metric("graphs")
    return "" if before == after or before is None or after is None else f"{before} -> {times(after, 'graph')}; "


def _text(changes: Sequence[Told], word: str) -> str:
    noun = "graph break" if isinstance(changes[0], BreakChanged) else "recompilation"
    told = list(dict.fromkeys(told_of(change.after or change.before) for change in changes))
    more = ", …" if len(told) > FEW else ""
    return f"{times(len(changes), f'{word} {noun}')}: {', '.join(told[:FEW])}{more}"


def _reworded_text(changes: Sequence[Told]) -> str:
    noun = "graph break" if isinstance(changes[0], BreakChanged) else "recompilation"
    first = changes[0]
    return f"{times(len(changes), noun)} told otherwise: {told_of(first.before)} -> {told_of(first.after)}"


def _sizes_text(changes: Sequence[GraphChanged]) -> str:
    first = changes[0]
    before, after = (", ".join(one.dynamic) or "none" for one in (first.before, first.after))
    more = f" (and {times(len(changes) - 1, 'more graph')})" if len(changes) > 1 else ""
    return f"symbolic sizes of graph {first.after.number}: {before} -> {after}{more}"
