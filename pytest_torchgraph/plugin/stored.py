"""Reading a stored snapshot, and the owner in the head of any."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_torchgraph.plugin.location import Address
    from pytest_torchgraph.snapshot.reader import Snapshot

OWN_LINES = 3
"""Format, test and recording: the lines of a snapshot that are not its graph's."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies at an address: a snapshot, nothing (``snapshot`` and ``fault`` empty), or a file with a ``fault``."""

    snapshot: Snapshot | None = None
    fault: str = ""


def load(address: Address) -> Stored:
    """The snapshot at *address*; a file that cannot be read becomes a fault that says where and why."""
    from pytest_torchgraph.snapshot.errors import SnapshotUnreadable
    from pytest_torchgraph.snapshot.reader import read

    try:
        return Stored(read(address.path.read_text(encoding="utf-8"), path=address.label))
    except FileNotFoundError:
        return Stored()
    except UnicodeDecodeError as error:
        return Stored(
            fault=f"{address.label}: not UTF-8 text (byte {error.start}). Regenerate it, or restore it from git."
        )
    except SnapshotUnreadable as error:
        return Stored(fault=str(error))
    except OSError as error:
        return Stored(fault=f"{address.label}: cannot be read: {error.strerror}.")


def owner(path: Path) -> str | None:
    """The node id in the head of the file at *path*; ``None`` where there is none to be read."""
    from pytest_torchgraph.words.quoting import rest_of

    try:
        with path.open(encoding="utf-8-sig") as stream:
            first, second = stream.readline(), stream.readline()
    except (OSError, UnicodeDecodeError):
        return None
    if not first.startswith("torchgraph ") or not second.startswith("test "):
        return None
    return rest_of(second.removeprefix("test ").rstrip("\n"))


def body_digest(text: str) -> str:
    """A digest of a snapshot's text without the lines that name its test and its recording."""
    return hashlib.sha256("\n".join(text.splitlines()[OWN_LINES:]).encode()).hexdigest()


def body_digest_of(path: Path) -> str:
    """The digest of the file at *path*, ``""`` where it cannot be read."""
    try:
        return body_digest(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""
