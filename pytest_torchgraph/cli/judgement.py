"""Judging and explaining on the command line."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_torchgraph.cli.exits import DRIFT, SAME, Wrong

if TYPE_CHECKING:
    import argparse

    from pytest_torchgraph.graph.graph import Graph
    from pytest_torchgraph.report.outline import Outline
    from pytest_torchgraph.snapshot.reader import Snapshot

COMPARE = ("graph", "counts")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that say what is compared, and how the result is printed."""
    parser.add_argument("--compare", choices=COMPARE, default="graph", help="graph (default), or counts and memory")
    parser.add_argument("--tolerance", metavar="AMOUNT", help="how far memory may move: '5%%', '1 MiB', '5%% or 1 MiB'")
    parser.add_argument("--ignore", action="append", default=[], metavar="NAME", help="what never counts as drift")
    parser.add_argument("--format", choices=("terminal", "json"), default="terminal")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="every finding; twice for every operation")


@dataclass(frozen=True, slots=True)
class Judged:
    """A report and the exit code that goes with it."""

    outline: Outline
    code: int


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
    from pytest_torchgraph.report.comparison import compared

    try:
        if arguments.ignore:
            from pytest_torchgraph.verdict.mistyped import require_matching

            require_matching(arguments.ignore, (before.program, after.program), live.vocabulary if live else None)
        comparison = compared(
            before.program,
            after.program,
            (before.recorded, after.recorded),
            compare=arguments.compare,
            tolerance=arguments.tolerance,
            ignore=arguments.ignore,
            live=live,
        )
    except ValueError as error:
        raise Wrong(str(error)) from None
    drifted = comparison.drifted
    return Judged(comparison.outline(title, accept if drifted else ""), DRIFT if drifted else SAME)


def show(outlines: list[Outline], arguments: argparse.Namespace, lone: dict[str, str] | None = None) -> None:
    """Print *outlines* as the command line asks; *lone* says of files that only one side has which side it is.

    As JSON, one outline is an object; several files are an object with ``changed``, ``added`` and ``removed``.
    """
    from pytest_torchgraph.cli.show import wants_colour

    if arguments.format == "json":
        from pytest_torchgraph.report.export import render as as_json

        told = [as_json(outline) for outline in outlines]
        sys.stdout.write((_document(told, lone) if lone is not None else "\n".join(told)) + "\n")
        return
    from pytest_torchgraph.report.terminal import render

    told = [render(outline, verbosity=arguments.verbose, colour=wants_colour()) for outline in outlines]
    told += [f"{path}: {side}" for path, side in (lone or {}).items()]
    sys.stdout.write("".join(text + "\n" for text in told))


def _document(outlines: list[str], lone: dict[str, str]) -> str:
    import json

    sides = {word: [path for path, side in lone.items() if side == word] for word in ("added", "removed")}
    return json.dumps({"changed": list(map(json.loads, outlines)), **sides}, indent=2, ensure_ascii=False)
