"""Judging and explaining on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_torchgraph.cli import output
from pytest_torchgraph.cli.exits import DRIFT, SAME, Wrong
from pytest_torchgraph.cli.files.rootdir import lines_of, root_of
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from pytest_torchgraph.comparison import Comparison
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.report.case import Case
    from pytest_torchgraph.snapshot.reader import Snapshot
    from pytest_torchgraph.words.status import Lone

COMPARE = ("graph", "counts")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that say what is compared, and how the result is printed."""
    parser.add_argument("--compare", choices=COMPARE, default="graph", help="graph (default), or counts and memory")
    parser.add_argument("--tolerance", metavar="AMOUNT", help="how far memory may move: '5%%', '1 MiB', '5%% or 1 MiB'")
    parser.add_argument("--ignore", action="append", default=[], metavar="NAME", help="what never counts as drift")
    parser.add_argument(
        "--same",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="this module before is that one after, 'layers.*.attn=blocks.*.attention'; can be repeated",
    )
    output.add_arguments(parser)
    parser.add_argument("-v", "--verbose", action="count", default=0, help="every finding; twice for every operation")


@dataclass(frozen=True, slots=True)
class Judged:
    """A report's one case and the exit code that goes with it."""

    case: Case
    code: int


def require_matching(arguments: argparse.Namespace, snapshots: Iterable[Snapshot], live: Graph | None = None) -> None:
    """Refuse names to ignore, and names of modules that are the same as others, that none of *snapshots* has."""
    programs = [snapshot.program for snapshot in snapshots]
    try:
        if arguments.ignore:
            from pytest_torchgraph.verdict.mistyped import require_matching as require

            require(arguments.ignore, programs, live.vocabulary if live else None)
        if arguments.same:
            from pytest_torchgraph.diff.same import parse_same, require_known

            require_known(parse_same(arguments.same), programs)
    except ValueError as error:
        raise Wrong(str(error)) from None


def same_modules(folder: Path, given: Iterable[str] = ()) -> dict[str, str]:
    """Which modules are the same by the settings of the project around *folder*, and by the lines *given* over them."""
    from pytest_torchgraph.diff.same import parse_same

    try:
        return {**parse_same(lines_of(root_of(folder), "torchgraph_same")), **parse_same(given)}
    except ValueError as error:
        raise Wrong(str(error)) from None


def judged(
    before: Snapshot,
    after: Snapshot,
    title: str,
    arguments: argparse.Namespace,
    *,
    live: Graph | None = None,
    accept: str = "",
) -> Judged:
    """What changed from *before* to *after*; source lines come from *live*, the graph behind *after*."""
    from pytest_torchgraph.comparison import Comparison
    from pytest_torchgraph.report.case import case_of

    try:
        comparison = Comparison.of(
            before.program,
            after.program,
            (before.recorded, after.recorded),
            compare=arguments.compare,
            tolerance=arguments.tolerance,
            ignore=arguments.ignore,
            same=same_modules(Path.cwd(), arguments.same),
            live=live,
        )
    except ValueError as error:
        raise Wrong(str(error)) from None
    view = _view(before, after, comparison) if output.shows_graphs(arguments) else None
    accept = accept if comparison.drifted else ""
    return Judged(case_of(comparison, test=title, accept=accept, view=view), DRIFT if comparison.drifted else SAME)


def _view(before: Snapshot, after: Snapshot, comparison: Comparison) -> dict[str, object]:
    from pytest_torchgraph.report.view import view_of

    return view_of(before.program, after.program, comparison.difference, recorded=(None, comparison.live))


def lone(path: str, status: Lone) -> Judged:
    """A snapshot file that only one side has: there is nothing to compare, and it is no agreement."""
    from pytest_torchgraph.report.case import Case
    from pytest_torchgraph.report.outline import Outline

    outline = Outline(status="drift", title=f"{path}: {status}")
    return Judged(Case(test=path, status=status, outline=outline, path=path), DRIFT)


def show(cases: Iterable[Case], arguments: argparse.Namespace) -> None:
    """Print or write *cases* as the command line asks."""
    from pytest_torchgraph.report.case import report_of

    output.put(report_of(cases), arguments)
