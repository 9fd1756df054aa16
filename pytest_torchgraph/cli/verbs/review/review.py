"""``torchgraph review``: what failed tests would record, change by change."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import DRIFT, SAME, Wrong
from pytest_torchgraph.cli.review import changes, settling, waiting
from pytest_torchgraph.cli.streams import say, wants_colour
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    import argparse

    from pytest_torchgraph.cli.review.waiting import Waiting

ACCEPTED = "this is accepted already; torchgraph review --list shows what still waits\n"
QUESTION = (
    "accept [a], reject [r], skip [s], all that is left: accept [A], reject [R]; "
    "every test [t], whole diff [d], quit [q], help [?]? "
)
KEYS = """\
  a  accept this change; a snapshot with no other open change is replaced
  r  reject this change: what waits with it is dropped, the snapshots stay
  s  skip it: it goes on waiting
  A  accept this change and all after it
  R  reject this change and all after it
  t  name every test that it was made in
  d  the whole diff of its first snapshot; again, of the next
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
    """List the changes, or ask about each; what cannot be read is told last, and ends in exit code 2."""
    found = waiting.found(arguments)
    code = _reviewed(found, arguments)
    if found.faults:
        raise Wrong("\ntorchgraph: ".join(found.faults))
    return code


def _reviewed(found: waiting.Found, arguments: argparse.Namespace) -> int:
    chosen = found.chosen(arguments.change)
    entries = changes.entries(found.waiting, chosen)
    settled = settling.settled_text(found.waiting, arguments.paths)
    files = [each for each in found.waiting if any(each in entry.files for entry in entries)]
    orphans = list(changes.orphans(found.waiting))
    if not files:
        return _nothing_open(settled, orphans, found, is_chosen=bool(chosen))
    shown = [changes.summary(files, entries), *waiting.environments(files), settled, *orphans]
    say("\n".join(filter(None, shown)) + "\n")
    if arguments.list:
        return _list(entries)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Wrong(
            "review asks questions, and this is no terminal. "
            "Use torchgraph review --list, then torchgraph accept --change ID or reject --change ID."
        )
    return _ask(files, entries, settled)


def _nothing_open(settled: str, orphans: list[str], found: waiting.Found, *, is_chosen: bool) -> int:
    """Say why there is nothing to ask; files with accepted changes only go on waiting."""
    if is_chosen:
        say(ACCEPTED)
        return SAME
    if not found.faults or settled:
        told = [settled, *orphans] if settled else []
        say("".join(f"{line}\n" for line in told) or waiting.nothing_text())
    return DRIFT if settled else SAME


def _list(found: list[changes.Entry]) -> int:
    for entry in found:
        told = [*changes.lines(entry, in_full=False), f"  accept: {settling.command([entry.fingerprint])}"]
        say("\n" + "\n".join(told) + "\n")
    return DRIFT


def _ask(files: list[Waiting], found: list[changes.Entry], settled: str) -> int:
    while found:
        entry = found.pop(0)
        say("\n" + "\n".join(changes.lines(entry, in_full=True)) + "\n")
        answer = _answer(entry)
        if answer == "q":
            break
        if answer in ("A", "R"):
            say(changes.done(answer.lower(), [entry, *found]))
            break
        if answer != "s":
            say(changes.done(answer, [entry]))
            found = [each for each in map(_refreshed, found) if each.files]
    return _ended(files, settled)


def _answer(entry: changes.Entry) -> str:
    shown = 0
    while True:
        try:
            answer = input(QUESTION).strip()
        except EOFError:
            say("\n")
            return "q"
        if answer == "t":
            say("".join(f"  {each.pending.test}\n" for each in entry.files))
        elif answer == "d":
            sys.stdout.write(changes.whole_diff(entry.files, shown, colour=wants_colour()))
            shown += 1
        elif answer in ("a", "r", "s", "A", "R", "q"):
            return answer
        else:
            say(KEYS)


def _refreshed(entry: changes.Entry) -> changes.Entry:
    return changes.Entry(entry.change, tuple(waiting.reread(entry.files)))


def _ended(files: list[Waiting], settled: str) -> int:
    """Say what still waits; the files that *settled* is about were not asked about."""
    told = [line for line in (_left(waiting.reread(files)), settled) if line]
    say("\n" + "\n".join(told or ["nothing waits any more"]) + "\n")
    return DRIFT if told else SAME


def _left(files: list[Waiting]) -> str:
    open_ = times(len(changes.entries(files)), "change")
    still = f"still wait{'s' * open_.startswith('1 ')} for review"
    return f"{open_} in {times(len(files), 'snapshot')} {still}" if files else ""
