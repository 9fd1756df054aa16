"""What is raised when a snapshot cannot be read."""

from __future__ import annotations

from pytest_torchgraph.words.printable import printable

ADVICE = "Record it again: pytest --torchgraph-update"
LONGEST_QUOTED = 40
LONGEST_SENTENCE = 240


class SnapshotUnreadable(ValueError):
    """A snapshot file is cut, edited, of another format or none at all; the message says where, and what to do."""


def unreadable(path: str, line: int, what: str, text: str = "", advice: str = ADVICE) -> SnapshotUnreadable:
    """The error for *what* was found at *line* (counted from 1, 0 for the whole file), showing *text*."""
    where = f"{path}:{line}: " if line else f"{path}: "
    shown = f"\n  {printable(text.strip()[:200])}" if text.strip() else ""
    return SnapshotUnreadable(f"{where}{printable(shortened(what, LONGEST_SENTENCE))}{shown}\n{advice}")


def shortened(text: str, longest: int = LONGEST_QUOTED) -> str:
    """*text* as one sentence can hold it."""
    return text if len(text) <= longest else f"{text[:longest]}…"
