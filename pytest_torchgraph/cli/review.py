"""``torchgraph review``: what failed tests would record, change by change."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli import changes, waiting
from pytest_torchgraph.cli.accept import NOTHING
from pytest_torchgraph.cli.exits import DRIFT, SAME, Wrong

if TYPE_CHECKING:
    import argparse

    from pytest_torchgraph.cli.waiting import Waiting

QUESTION = "accept [a], reject [r], skip [s], all that is left: accept [A], reject [R]; every test [t], quit [q]? "


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "review",
        help="accept or reject what failed tests would record, change by change",
        description="Go through what failed tests would record, one change at a time however many tests it was made "
        "in, and accept or reject it. Needs neither the models nor PyTorch.",
    )
    waiting.add_arguments(parser, "review")
    parser.add_argument("--list", action="store_true", help="print the changes and ask nothing; exit code 1 if any")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List the changes, or ask about each."""
    files = waiting.found(arguments.paths)
    if arguments.change:
        chosen = waiting.fingerprints(files, arguments.change)
        files = [each for each in files if waiting.taken(each, chosen)]
    if not files:
        sys.stdout.write(NOTHING)
        return SAME
    if arguments.list:
        return _list(files)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Wrong(
            "review asks questions, and this is no terminal. "
            "Use torchgraph review --list, then torchgraph accept --change ID or reject --change ID."
        )
    return _ask(files)


def _list(files: list[Waiting]) -> int:
    found = changes.entries(files)
    shown = [changes.summary(files, found), *waiting.environments(files)]
    for entry in found:
        shown += ["", *changes.lines(entry, example=False), f"  accept: {_command(entry)}"]
    sys.stdout.write("\n".join(shown) + "\n")
    return DRIFT


def _command(entry: changes.Entry) -> str:
    names = entry.names
    return " ".join(["torchgraph accept", *(f"--change {name}" for name in names)])


def _ask(files: list[Waiting]) -> int:
    found = changes.entries(files)
    sys.stdout.write("\n".join([changes.summary(files, found), *waiting.environments(files)]) + "\n")
    while found:
        entry = found.pop(0)
        sys.stdout.write("\n" + "\n".join(changes.lines(entry, example=True)) + "\n")
        answer = _answer(entry)
        if answer == "q":
            break
        if answer in ("A", "R"):
            sys.stdout.write(_whole(answer, [entry, *found]))
            break
        if answer != "s":
            sys.stdout.write(_done(answer, list(entry.files), entry.fingerprints))
            found = [each for each in map(_refreshed, found) if each.files]
    return _ended(files)


ACTIONS: dict[str, Callable[[list[Waiting], frozenset[str]], str]] = {"a": waiting.accept, "r": waiting.reject}


def _answer(entry: changes.Entry) -> str:
    while True:
        try:
            answer = input(QUESTION).strip()
        except EOFError:
            sys.stdout.write("\n")
            return "q"
        if answer == "t":
            sys.stdout.write("".join(f"  {each.pending.test}\n" for each in entry.files))
        elif answer in ("a", "r", "s", "A", "R", "q"):
            return answer


def _whole(answer: str, left: list[changes.Entry]) -> str:
    chosen = frozenset(name for entry in left for name in entry.fingerprints)
    files = {each.path: each for entry in left for each in entry.files}
    return _done(answer.lower(), list(files.values()), chosen)


def _done(answer: str, files: list[Waiting], chosen: frozenset[str]) -> str:
    """Accept or reject; what could not be is said, and the review goes on."""
    try:
        return ACTIONS[answer](waiting.reread(files), chosen)
    except Wrong as error:
        return f"{error}\n"


def _refreshed(entry: changes.Entry) -> changes.Entry:
    return changes.Entry(entry.changes, tuple(each for each in entry.files if each.path.exists()))


def _ended(files: list[Waiting]) -> int:
    left = sum(each.path.exists() for each in files)
    sys.stdout.write(f"\n{left} still wait{'s' * (left == 1)} for review\n" if left else "\nnothing waits any more\n")
    return DRIFT if left else SAME
