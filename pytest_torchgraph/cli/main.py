"""Entry point of ``torchgraph``: one verb, one file."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from pytest_torchgraph.cli import streams
from pytest_torchgraph.cli.exits import SAME, WRONG, Wrong
from pytest_torchgraph.snapshot.limits import LEVELS, room_for
from pytest_torchgraph.version import __version__
from pytest_torchgraph.words.printable import printable_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = {
    "show": "snapshots.show",
    "diff": "snapshots.diff",
    "history": "snapshots.history",
    "review": "review.review",
    "accept": "review.accept",
    "reject": "review.reject",
    "prune": "snapshots.prune",
    "git-setup": "project.git_setup",
    "git-diff": "project.git_driver",
    "git-text": "project.git_driver",
    "pre-commit": "project.pre_commit",
    "trace": "models.trace",
    "check": "models.check",
    "summary": "models.summary",
    "analyze": "models.analyze",
    "export": "models.export",
    "report": "snapshots.report",
    "plot": "models.plot",
    "ops": "pytorch.ops",
    "autograd": "pytorch.autograd",
    "explore": "models.explore",
    "demo": "project.demo",
    "completion": "project.completion",
}
"""Each verb and its file in ``verbs/``, in the order of the help."""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints hold nothing that a terminal would obey."""

    def error(self, message: str) -> NoReturn:
        """End the command with *message*."""
        super().error(printable_lines(message))


def parser(verb: str | None = None) -> argparse.ArgumentParser:
    """The command line of ``torchgraph``; with only *verb*, where it is one, so that no other file is loaded."""
    whole = Parser(
        prog="torchgraph",
        description="Show, compare and record the operation graphs of PyTorch models.",
        epilog="Exit codes: 0 same or done, 1 drift, 2 the command could not do its work.",
    )
    whole.add_argument("--version", action="version", version=f"pytest-torchgraph {__version__}")
    whole.set_defaults(run=partial(_help, whole))
    verbs = whole.add_subparsers(metavar="VERB")
    files = [VERBS[verb]] if verb in VERBS else dict.fromkeys(VERBS.values())
    for file in files:
        import_module(f"pytest_torchgraph.cli.verbs.{file}").register(verbs)
    return whole


def _help(whole: argparse.ArgumentParser, _: argparse.Namespace) -> int:
    whole.print_help()
    return SAME


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    streams.prepare()
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        return code if streams.is_flushed() else WRONG
    except BrokenPipeError:
        streams.silence()
        return WRONG
    except KeyboardInterrupt:
        return 130


def _run(words: list[str]) -> int:
    paths = words[words.index("--") + 1 :] if words[:1] == ["diff"] and "--" in words else []
    arguments = parser(next(iter(words), None)).parse_args(words[: len(words) - len(paths) - 1] if paths else words)
    if paths:
        arguments.paths = paths
    try:
        with room_for(LEVELS):
            code: int = arguments.run(arguments)
    except BrokenPipeError:
        raise
    except Wrong as error:
        streams.complain(f"torchgraph: {error}\n")
        return WRONG
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        streams.complain(f"torchgraph: {where}{error.strerror or error}.\n")
        return WRONG
    return code


if __name__ == "__main__":
    sys.exit(main())
