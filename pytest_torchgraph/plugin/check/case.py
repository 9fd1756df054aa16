"""What a report tells of one check, as a line that crosses from a worker process; empty where nobody asked for one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.plugin.location import node_id

if TYPE_CHECKING:
    import pytest

    from pytest_torchgraph.comparison import Comparison
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.plugin.check.comparison import Outcome
    from pytest_torchgraph.plugin.check.slot import Slot
    from pytest_torchgraph.plugin.settings import Settings
    from pytest_torchgraph.report.case import Place
    from pytest_torchgraph.snapshot.reader import Snapshot
    from pytest_torchgraph.verdict.finding import Finding
    from pytest_torchgraph.words.status import Status


def compared(slot: Slot, outcome: Outcome, became: Status | None = None, accept: str = "") -> str:
    """The case of a check against a snapshot; *became* is what became of it where that is not the verdict."""
    from pytest_torchgraph.report.case import case_of
    from pytest_torchgraph.report.json import case_text

    comparison = outcome.comparison
    quiet = became == "same" or (became is None and outcome.passes)
    case = case_of(
        comparison,
        test=slot.base.test,
        path=slot.address.label,
        status=became,
        accept=accept,
        place=None if quiet else _place(slot.item, comparison),
        view=None if quiet else _view(slot.settings, outcome),
    )
    return case_text(case)


def unchanged(slot: Slot, snapshot: Snapshot, graph: Graph) -> str:
    """The case of a check whose *graph* is what *snapshot* holds; the graph is not worked out for it."""
    from pytest_torchgraph.report.case import unchanged_case
    from pytest_torchgraph.report.json import case_text
    from pytest_torchgraph.snapshot.recorded import recorder_line
    from pytest_torchgraph.verdict.environment import differences

    environment = differences(snapshot.recorded, recorder_line(graph.origin))
    test, path = slot.base.test, slot.address.label
    return case_text(unchanged_case(snapshot.program, test=test, path=path, environment=environment))


def over_budget(item: pytest.Item, label: str, findings: list[Finding]) -> str:
    """The case of a check over its budget."""
    from pytest_torchgraph.report.budget import outline_of
    from pytest_torchgraph.report.case import Case
    from pytest_torchgraph.report.json import case_text

    outline = outline_of(findings, test=node_id(item))
    return case_text(Case(test=node_id(item), status="budget", outline=outline, path=label, place=_place(item, None)))


def _view(settings: Settings, outcome: Outcome) -> dict[str, Any] | None:
    from pytest_torchgraph.report.formats import SEEN, format_of
    from pytest_torchgraph.report.view import view_of

    if not any(format_of(path) in SEEN for path in settings.reports):
        return None
    graph, difference = outcome.graph, outcome.comparison.difference
    return view_of(outcome.snapshot.program, graph.canonical, difference, recorded=(None, graph))


def _place(item: pytest.Item, comparison: Comparison | None) -> Place:
    """The line that asks for the first change, where it is the project's own; else that of the test."""
    from pytest_torchgraph.report.case import Place, source_lines

    root = item.config.rootpath
    for source in source_lines(comparison) if comparison else ():
        file = Path(source.file)
        if file.is_relative_to(root) and "site-packages" not in file.parts:
            return Place(file.relative_to(root).as_posix(), source.line)
    file_name, line, _ = item.location
    return Place(Path(file_name).as_posix(), (line or 0) + 1)
