"""``torchgraph review``: what failed tests would record, change by change."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli import changes, waiting
from pytest_torchgraph.cli.accept import NOTHING
from pytest_torchgraph.cli.exits import DRIFT, SAME, Wrong
from pytest_torchgraph.graph.counting import times

if TYPE_CHECKING:
    import argparse

    from pytest_torchgraph.cli.waiting import Waiting

ACCEPTED = "this is accepted already; torchgraph review --list shows what still waits\n"
QUESTION = (
    "accept [a], reject [r], skip [s], all that is left: accept [A], reject [R]; every test [t], quit [q], help [?]? "
)
KEYS = """\
  a  accept this change; a snapshot with no other open change is replaced
  r  reject this change: what waits with it is dropped, the snapshots stay
  s  skip it: it goes on waiting
  A  accept this change and all after it
  R  reject this change and all after it
  t  name every test that it was made in
  q  quit: what was not answered goes on waiting
  ?  these lines
"""


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
    chosen = waiting.fingerprints(files, arguments.change) if arguments.change else None
    found = changes.entries(files, chosen)
    settled = waiting.settled_text(files, arguments.paths)
    files = [each for each in files if any(each in entry.files for entry in found)]
    if not files:
        return _nothing_open(settled, is_chosen=bool(chosen))
    shown = [changes.summary(files, found), *waiting.environments(files), settled]
    sys.stdout.write("\n".join(filter(None, shown)) + "\n")
    if arguments.list:
        return _list(found)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Wrong(
            "review asks questions, and this is no terminal. "
            "Use torchgraph review --list, then torchgraph accept --change ID or reject --change ID."
        )
    return _ask(files, found, settled)


def _nothing_open(settled: str, *, is_chosen: bool) -> int:
    """Say why there is nothing to ask; files with accepted changes only go on waiting."""
    if is_chosen:
        sys.stdout.write(ACCEPTED)
        return SAME
    sys.stdout.write(f"{settled}\n" if settled else NOTHING)
    return DRIFT if settled else SAME


def _list(found: list[changes.Entry]) -> int:
    for entry in found:
        told = [*changes.lines(entry, in_full=False), f"  accept: {waiting.command([entry.fingerprint])}"]
        sys.stdout.write("\n" + "\n".join(told) + "\n")
    return DRIFT


def _ask(files: list[Waiting], found: list[changes.Entry], settled: str) -> int:
    while found:
        entry = found.pop(0)
        sys.stdout.write("\n" + "\n".join(changes.lines(entry, in_full=True)) + "\n")
        answer = _answer(entry)
        if answer == "q":
            break
        if answer in ("A", "R"):
            sys.stdout.write(_done(answer.lower(), [entry, *found]))
            break
        if answer != "s":
            sys.stdout.write(_done(answer, [entry]))
            found = [each for each in map(_refreshed, found) if each.files]
    return _ended(files, settled)


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
        else:
            sys.stdout.write(KEYS)


def _done(answer: str, answered: list[changes.Entry]) -> str:
    """Accept or reject what was *answered*; what could not be is said, and the review goes on."""
    chosen = frozenset(entry.fingerprint for entry in answered)
    files = waiting.reread({each.path: each for entry in answered for each in entry.files}.values())
    try:
        if answer == "r":
            return waiting.reject(files, chosen)
        done, _ = waiting.accepted(files, chosen)
    except Wrong as error:
        return f"{error}\n"
    return "".join(f"accepted change {entry.fingerprint}\n" for entry in answered) + done


def _refreshed(entry: changes.Entry) -> changes.Entry:
    return changes.Entry(entry.change, tuple(waiting.reread(entry.files)))


def _ended(files: list[Waiting], settled: str) -> int:
    """Say what still waits; the files that *settled* is about were not asked about."""
    told = [line for line in (_left(waiting.reread(files)), settled) if line]
    sys.stdout.write("\n" + "\n".join(told or ["nothing waits any more"]) + "\n")
    return DRIFT if told else SAME


def _left(files: list[Waiting]) -> str:
    open_ = times(len(changes.entries(files)), "change")
    still = f"still wait{'s' * open_.startswith('1 ')} for review"
    return f"{open_} in {times(len(files), 'snapshot')} {still}" if files else ""
