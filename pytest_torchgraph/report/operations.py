"""The operations of two graphs as one table, for reading and searching."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pytest_torchgraph.canonical.program import Item, Outcome, Work
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.diff.change import Added, Altered, Difference, Moved, Removed, Site
from pytest_torchgraph.diff.showing import operation_word
from pytest_torchgraph.diff.tree import Body, Tree
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.report.lookup import declared_at, reached_from
from pytest_torchgraph.report.sides import place_text

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph

Row: TypeAlias = "tuple[str, Work, Body]"
Table: TypeAlias = "dict[str, object]"
LONGEST = 20_000
"""Rows of a table; what changed comes before what did not where there are more."""


class _Marked(NamedTuple):
    """The mark of each changed item, by its scope and itself; a scope may hold an item equal to one elsewhere."""

    marks: dict[tuple[ScopePath, int], str]

    def of(self, body: Body, item: Item) -> str:
        return self.marks.get((body.scope, id(item)), "")


def operations_of(before: Tree, after: Tree, difference: Difference, live: Graph | None = None) -> Table:
    """The table: ``rows`` of ``[mark, operation, scope, results, source line, FLOPs, node]`` and the ``words`` in it.

    All but mark and FLOPs are positions in ``words``; FLOPs are ``None`` where unknown. ``node`` is the autograd node
    that a backward operation ran for. ``reached`` tells the API calls that lead to an operation, ``declared`` the file
    and line of a node. The mark is ``=``, ``~``
    (changed), ``>`` (moved), ``+`` or ``-``; removed operations come last. ``left_out`` counts rows beyond the longest
    table.
    """
    rows = [*_rows(after, _marked(difference, after=True), "+")]
    gone = [row for row in _rows(before, _marked(difference, after=False), "-") if row[0] == "-"]
    every = [*rows, *gone]
    shown = every if len(every) <= LONGEST else sorted(every, key=lambda row: row[0] == "=")[:LONGEST]
    words: dict[str, int] = {}
    table = [_cells(row, words, live if row[0] != "-" else None) for row in shown]
    return {
        "rows": table,
        "words": list(words),
        "left_out": len(every) - len(shown),
        "reached": {operation_word(name): told for name, told in reached_from(_packets(shown)).items()},
        "declared": declared_at(_nodes(live)),
    }


def _packets(rows: list[Row]) -> set[str]:
    return {packet_of(work.name) for _, work, _ in rows}


def _nodes(live: Graph | None) -> set[str]:
    if live is None:
        return set()
    return {live.nodes[operation.node].name for operation in live.operations if operation.node is not None}


def _marked(difference: Difference, *, after: bool) -> _Marked:
    marks: dict[tuple[ScopePath, int], str] = {}
    for change in difference.changes:
        match change:
            case Added(site) if after:
                _note(marks, site, "+")
            case Removed(site) if not after:
                _note(marks, site, "-")
            case Altered() if after and not change.follows:
                _note(marks, change.after, "~")
            case Moved() if after:
                _note(marks, change.after, ">")
    return _Marked(marks)


def _note(marks: dict[tuple[ScopePath, int], str], site: Site, mark: str) -> None:
    marks.setdefault((site.stood or site.scope, id(site.item)), mark)


def _rows(tree: Tree, marked: _Marked, whole: str) -> Iterator[Row]:
    """Every operation in the order of the run, with its mark; all that stands in what came or went did so too."""
    waiting: list[tuple[Body, int, str]] = [(tree.bodies[0], 0, "")]
    while waiting:
        body, at, around = waiting.pop()
        if at == len(body.record.items):
            continue
        waiting.append((body, at + 1, around))
        item = body.record.items[at]
        mark = around or marked.of(body, item)
        if isinstance(item, Work):
            yield mark or "=", item, body
        elif at in body.inner:
            waiting.append((body.inner[at], 0, mark if mark == whole else ""))


def _cells(row: Row, words: dict[str, int], live: Graph | None) -> list[object]:
    mark, work, body = row
    operation = live.operations[work.source] if live and work.source is not None else None
    where = place_text(operation.source) if operation else ""
    node = live.nodes[operation.node].name if live and operation and operation.node is not None else ""
    scope = f"{body.scope} ({body.beneath})" if body.beneath else str(body.scope)
    texts = (operation_word(work.name), scope, _results(work), where, node)
    numbers = [words.setdefault(text, len(words)) for text in texts]
    return [mark, *numbers[:-1], operation.flops if operation else None, numbers[-1]]


def _results(work: Work) -> str:
    return ", ".join(text for outcome in work.outcomes if (text := _outcome(outcome)))


def _outcome(outcome: Outcome) -> str:
    if isinstance(outcome, TensorSpec):
        return outcome.text
    return ", ".join(filter(None, map(_outcome, outcome))) if isinstance(outcome, tuple) else ""
