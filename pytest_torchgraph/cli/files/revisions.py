"""Snapshot files of two git revisions, read from git's objects; nothing is checked out."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_torchgraph.cli.exits import Wrong
from pytest_torchgraph.quick import dataclass

SUFFIX = ".torchgraph"
_RANGE = re.compile(r"(?P<before>[^/.\s][^\s]*?)?(?P<dots>\.{2,3})(?P<after>[^/.\s][^\s]*)?")


@dataclass(frozen=True, slots=True)
class Changed:
    """A file whose text differs; a text is ``None`` where the revision has no such file."""

    path: str
    before: str | None
    after: str | None


def changed(before: str, after: str | None, paths: list[str]) -> list[Changed]:
    """Every snapshot file that differs between revision *before* and *after*, or the files as they lie here.

    *paths* are folders or files to look at, all of the repository when empty.
    """
    revisions = [_revision(name) for name in (before, after) if name is not None]
    names = git("diff", "--name-only", "--no-renames", "-z", *revisions, "--", *paths).split("\0")
    for path in paths:
        if not Path(path).exists() and not git("ls-tree", "--name-only", revisions[0], "--", path):
            raise Wrong(f"{path} is neither here nor in {before}.")
    top = Path(git("rev-parse", "--show-toplevel").rstrip("\n"))
    return [
        Changed(name, at_revision(revisions[0], name), at_revision(after, name) if after else _lying(top / name))
        for name in names
        if name.endswith(SUFFIX)
    ]


def ends_of(text: str) -> tuple[str, str] | None:
    """The two revisions of ``A..B``, and of ``A...B`` from where both come; ``None`` for what is no range.

    An end that is left out is HEAD, as git has it.
    """
    found = _RANGE.fullmatch(text)
    if found is None or text == found["dots"]:
        return None
    before, after = found["before"] or "HEAD", found["after"] or "HEAD"
    if found["dots"] == "...":
        before = git("merge-base", _revision(before), _revision(after)).strip()
    return before, after


def _revision(name: str) -> str:
    try:
        return git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", what=name).strip()
    except Wrong as error:
        raise Wrong(f"{error}{shallow_text()}") from None


def shallow_text() -> str:
    """What to do about a clone without its history; empty for one that has all of it."""
    if git("rev-parse", "--is-shallow-repository").strip() != "true":
        return ""
    return (
        " This clone is shallow, and older commits are not in it: git fetch --unshallow, "
        "or 'fetch-depth: 0' for actions/checkout."
    )


def at_revision(revision: str, path: str) -> str | None:
    """The text of *path* in *revision*; ``None`` where there is none."""
    if not git("ls-tree", "-z", "--full-tree", "--name-only", revision, "--", path):
        return None
    return git("cat-file", "blob", f"{revision}:{path}")


def _lying(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Wrong(f"{path} cannot be read: {error}.") from None


def git(*arguments: str, what: str = "") -> str:
    """What git prints; its refusal becomes one message."""
    import subprocess  # two files are compared without git

    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)  # noqa: S607  the user's own git
    except OSError as error:
        raise Wrong(f"git cannot be run: {error.strerror}.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        told = said[0].removeprefix("fatal: ") if said else f"{what!r} is neither a file nor a revision"
        raise Wrong(f"{told.rstrip('.')}.")
    return done.stdout.decode("utf-8", errors="replace")
