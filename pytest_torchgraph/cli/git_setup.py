"""``torchgraph git-setup``: let git explain how snapshots differ.

``git diff`` runs the driver's command, which explains. ``git log -p`` and ``git show`` run commands with ``--ext-diff``
only, and otherwise compare what the driver makes of each side (``textconv``): metrics and counts in words, then the
lines of the graph.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import SAME, Wrong
from pytest_torchgraph.cli.revisions import git
from pytest_torchgraph.cli.streams import say

if TYPE_CHECKING:
    import argparse

SECTION = "diff.torchgraph"
LINE = "*.torchgraph diff=torchgraph"
VERBS = {"command": "git-diff", "textconv": "git-text"}


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "git-setup",
        help="let git diff and git log -p explain snapshots",
        description="Set up a diff driver in the configuration of this clone, and name it in .gitattributes, which is "
        "to be committed. Running it again changes nothing.",
    )
    parser.add_argument("--remove", action="store_true", help="undo it")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Install or remove the driver, and say what was done."""
    top = top_folder()
    steps = (_forget, _without_line) if arguments.remove else (_configure, _with_line)
    said = [step(top / ".gitattributes") for step in steps]
    if not arguments.remove:
        said += [*USAGE, *_advice(top)]
    say("".join(f"{line}\n" for line in said))
    return SAME


USAGE = (
    "git diff explains snapshots now; --no-ext-diff shows their lines",
    "git log -p and git show tell their numbers and lines; with --ext-diff they explain, too",
)


def top_folder() -> Path:
    """The folder of the work tree; a clone without one is refused."""
    try:
        return Path(git("rev-parse", "--show-toplevel").rstrip("\n"))
    except Wrong as error:
        raise Wrong(f"git-setup works inside the work tree of a git repository: {error}") from None


def driver(verb: str) -> str:
    """The shell command that git is to run; this Python's, so that it works where no environment is active."""
    return f"{shlex.quote(sys.executable)} -m pytest_torchgraph.cli.main {verb}"


def _configure(_: Path) -> str:
    settings = {f"{SECTION}.{key}": driver(verb) for key, verb in VERBS.items()}
    if all(_setting(name) == value for name, value in settings.items()):
        return f"{SECTION} is set up already"
    for name, value in settings.items():
        git("config", "--local", "--replace-all", name, value)
    return f"set up {SECTION} in the configuration of this clone"


def _setting(name: str) -> str:
    try:
        return git("config", "--local", "--get", name).rstrip("\n")
    except Wrong:
        return ""


def _forget(_: Path) -> str:
    if not any(_setting(f"{SECTION}.{key}") for key in VERBS):
        return f"{SECTION} was not set up"
    git("config", "--local", "--remove-section", SECTION)
    return f"removed {SECTION} from the configuration of this clone"


def _with_line(attributes: Path) -> str:
    lines = _lines(attributes)
    if any(_is_ours(line) for line in lines):
        return f"{attributes.name} names it already"
    _write(attributes, [*lines, LINE])
    return f"added '{LINE}' to {attributes.name}: commit it"


def _without_line(attributes: Path) -> str:
    lines = _lines(attributes)
    kept = [line for line in lines if line.split() != LINE.split()]
    if len(kept) == len(lines):
        changed = any(_is_ours(line) for line in lines)
        return f"{attributes.name} names it with other attributes: left as it is" if changed else NOT_NAMED
    if kept:
        _write(attributes, kept)
        return f"removed '{LINE}' from {attributes.name}"
    _changing(attributes, attributes.unlink)
    return f"removed {attributes.name}, which held nothing else"


NOT_NAMED = ".gitattributes did not name it"


def _is_ours(line: str) -> bool:
    pattern, *attributes = line.split() or [""]
    return pattern == "*.torchgraph" and "diff=torchgraph" in attributes


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise Wrong(f"{path} cannot be read: {error}.") from None


def _write(path: Path, lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    _changing(path, lambda: path.write_text(text, encoding="utf-8", newline="\n"))


def _changing(path: Path, change: Any) -> None:
    try:
        change()
    except OSError as error:
        raise Wrong(f"{path} cannot be written: {error.strerror}.") from None


def _advice(top: Path) -> list[str]:
    """What is still to be done by hand."""
    asked = ["git", "-C", str(top), "check-ignore", "-q", "waits.torchgraph.new"]
    ignored = subprocess.run(asked, capture_output=True, check=False).returncode == 0
    return [] if ignored else ["add '*.torchgraph.new' to .gitignore: drifts wait there for torchgraph review"]
