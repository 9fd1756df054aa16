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
from pytest_torchgraph.cli.files.revisions import git
from pytest_torchgraph.cli.streams import say
from pytest_torchgraph.snapshot.pending import SUFFIX

if TYPE_CHECKING:
    import argparse

SECTION = "diff.torchgraph"
LINE = "*.torchgraph diff=torchgraph"
ATTRIBUTES, IGNORE = ".gitattributes", ".gitignore"
WAITING = f"*.torchgraph{SUFFIX}"
VERBS = {"command": "git-diff", "textconv": "git-text"}


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "git-setup",
        help="let git diff and git log -p explain snapshots",
        description="Set up a diff driver in the configuration of this clone, name it in .gitattributes, and let "
        ".gitignore name what waits for review; both are to be committed. Running it again changes nothing.",
    )
    parser.add_argument("--remove", action="store_true", help="undo it")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Install or remove the driver, and say what was done."""
    top = top_folder()
    steps = (_forget, _without_line, _ignored_no_more) if arguments.remove else (_configure, _with_line, _ignored)
    said = [step(top) for step in steps]
    if not arguments.remove:
        said += [*USAGE, *_advice()]
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


def _with_line(top: Path) -> str:
    attributes = top / ATTRIBUTES
    if any(_is_ours(line) for line in lines_of(attributes)):
        return f"{ATTRIBUTES} names it already"
    add(attributes, LINE)
    return f"added '{LINE}' to {ATTRIBUTES}: commit it"


def _without_line(top: Path) -> str:
    named = _taken_out(top / ATTRIBUTES, LINE)
    if named:
        return named
    changed = any(_is_ours(line) for line in lines_of(top / ATTRIBUTES))
    return f"{ATTRIBUTES} names it with other attributes: left as it is" if changed else f"{ATTRIBUTES} did not name it"


def _is_ours(line: str) -> bool:
    pattern, *attributes = line.split() or [""]
    return pattern == "*.torchgraph" and "diff=torchgraph" in attributes


def _ignored(top: Path) -> str:
    rule = _rule(top)
    if rule.startswith("!"):
        return f"{IGNORE} has '{rule}', so what waits for torchgraph review is not ignored: left as it is"
    if rule:
        return f"{IGNORE} ignores {WAITING} already"
    add(top / IGNORE, WAITING)
    return f"added '{WAITING}' to {IGNORE}, where drifts wait for torchgraph review: commit it"


def _rule(top: Path) -> str:
    """The project's own rule for what waits for review; empty where it has none, whatever this user ignores."""
    asked = ["git", "-C", str(top), "check-ignore", "-v", "-z", "--no-index", "--stdin"]
    done = subprocess.run(asked, input=b"waits.torchgraph.new\0", capture_output=True, check=False)
    source, _, pattern, *_ = [*done.stdout.decode(errors="replace").split("\0"), "", "", ""]
    return pattern if source == IGNORE else ""


def _ignored_no_more(top: Path) -> str:
    return _taken_out(top / IGNORE, WAITING) or f"{IGNORE} did not name what waits"


def _taken_out(path: Path, line: str) -> str:
    """What was done; empty where the file does not have the line."""
    if not any(each.split() == line.split() for each in lines_of(path)):
        return ""
    is_gone = take_out(path, line)
    return f"removed {path.name}, which held nothing else" if is_gone else f"removed '{line}' from {path.name}"


def _advice() -> list[str]:
    """What is still to be done by hand."""
    committed = [name for name in git("ls-files", "-z", "--", f":/{WAITING}").split("\0") if name]
    if not committed:
        return []
    what = f"{committed[0]} is" if len(committed) == 1 else f"{len(committed)} files that wait for review are"
    return [f"{what} in git: git rm --cached ':/{WAITING}' takes that back"]


def lines_of(path: Path) -> list[str]:
    """The lines of the file at *path*, bytes that are no UTF-8 replaced; none where there is no file."""
    return [line.decode("utf-8", errors="replace").rstrip("\r\n") for line in _read(path).splitlines(keepends=True)]


def add(path: Path, line: str) -> None:
    """Add *line* at the end, with the line ends that the file has."""
    content = _read(path)
    end = b"\r\n" if b"\r\n" in content else b"\n"
    gap = end if content and not content.endswith(b"\n") else b""
    _write(path, content + gap + line.encode() + end)


def take_out(path: Path, line: str) -> bool:
    """Take *line* out, however it is spaced; whether the file is gone because it held nothing else."""
    rest = [each for each in _read(path).splitlines(keepends=True) if each.split() != line.encode().split()]
    if rest:
        _write(path, b"".join(rest))
        return False
    try:
        path.unlink()
    except OSError as error:
        raise Wrong(f"{path} cannot be removed: {error.strerror}.") from None
    return True


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise Wrong(f"{path} cannot be read: {error.strerror}.") from None


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Wrong(f"{path} cannot be written: {error.strerror}.") from None
