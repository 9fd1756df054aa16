"""``torchgraph diff A B``: what changed between two snapshot files, or between two git revisions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli import judgement, output
from pytest_torchgraph.cli.exits import DRIFT, SAME, Wrong
from pytest_torchgraph.cli.files.revisions import Changed, changed, ends_of
from pytest_torchgraph.cli.files.snapshots import load, parsed
from pytest_torchgraph.cli.streams import complain

if TYPE_CHECKING:
    import argparse

    from pytest_torchgraph.snapshot.reader import Snapshot


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "diff",
        help="compare two snapshot files, or those of two git revisions",
        usage="torchgraph diff [options] A B | REVISION [REVISION] | REVISION..REVISION [-- PATH ...]",
        description="Explain what changed from snapshot A to snapshot B, or in every snapshot file between two git "
        "revisions (the second is the files as they lie here unless given). Exit code 0: same, 1: drift, 2: error.",
    )
    parser.add_argument("before", metavar="A", help="a snapshot file, or a git revision")
    parser.add_argument("after", metavar="B", nargs="?", help="a snapshot file, or a git revision")
    judgement.add_arguments(parser)
    parser.set_defaults(run=run, paths=[])


def run(arguments: argparse.Namespace) -> int:
    """Compare, print and return 0 or 1."""
    if arguments.after is None and not Path(arguments.before).exists():
        arguments.before, arguments.after = ends_of(arguments.before) or (arguments.before, None)
    given = [name for name in (arguments.before, arguments.after) if name is not None]
    looks_like_files = any(Path(name).is_file() or name.endswith(".torchgraph") for name in given)
    if arguments.paths or not looks_like_files:
        return _revisions(arguments)
    if len(given) == 1:
        raise Wrong(f"{given[0]} is one file: give the second, or a git revision and '-- {given[0]}'.")
    (_, before), (_, after) = load(arguments.before), load(arguments.after)
    judgement.require_matching(arguments, (before, after))
    title = f"{arguments.before} -> {arguments.after}"
    result = judgement.judged(before, after, title, arguments)
    judgement.show([result.case], arguments)
    return result.code


def _revisions(arguments: argparse.Namespace) -> int:
    files = changed(arguments.before, arguments.after, arguments.paths)
    if not files and output.form_of(arguments) == "terminal":
        complain("no snapshot file differs\n")
        return SAME
    pairs = [_parsed(file) for file in files]
    judgement.require_matching(arguments, [side for pair in pairs for side in pair if side])
    results = [_judged(file, pair, arguments) for file, pair in zip(files, pairs, strict=True)]
    judgement.show([result.case for result in results], arguments)
    return DRIFT if any(result.code == DRIFT for result in results) else SAME


def _parsed(file: Changed) -> tuple[Snapshot | None, Snapshot | None]:
    before = None if file.before is None else parsed(file.before, file.path)
    return before, None if file.after is None else parsed(file.after, file.path)


def _judged(
    file: Changed, sides: tuple[Snapshot | None, Snapshot | None], arguments: argparse.Namespace
) -> judgement.Judged:
    before, after = sides
    if before is None:
        return judgement.lone(file.path, "added")
    if after is None:
        return judgement.lone(file.path, "removed")
    return judgement.judged(before, after, file.path, arguments)
