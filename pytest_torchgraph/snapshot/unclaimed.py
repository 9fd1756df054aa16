"""The snapshots that a run of pytest did not claim, as it lists them in its cache for ``torchgraph prune``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.snapshot.errors import unreadable

LIST = "torchgraph/unclaimed.json"
"""Where the list lies below the folder ``d`` of pytest's cache."""
VERSION = 1
_KEY = "torchgraph unclaimed"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnclaimedFile:
    """One snapshot: its path from the root directory, the test in its head, and a digest of its bytes.

    ``is_gone`` says that the run proved the test to be gone.
    """

    path: str
    owner: str
    digest: str
    is_gone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclaimed:
    """What one run did not claim.

    ``root`` is its root directory and ``folder`` that of its snapshots, both as paths from the folder of the list, so
    that a copy of a project means the copy.
    """

    root: str
    folder: str
    files: tuple[UnclaimedFile, ...]


def write_unclaimed(unclaimed: Unclaimed) -> str:
    """The text of the list."""
    return json.dumps({_KEY: VERSION, **asdict(unclaimed)}, indent=1, ensure_ascii=False) + "\n"


def read_unclaimed(path: Path) -> Unclaimed | None:
    """The list at *path*, ``None`` where there is none; raises ``SnapshotUnreadable``."""
    try:
        fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return _unclaimed(fields)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        advice = "Run pytest once, which writes it anew."
        raise unreadable(str(path), 1, "this is no list of unclaimed snapshots", advice=advice) from None


def _unclaimed(fields: dict[str, Any]) -> Unclaimed:
    if fields.pop(_KEY) != VERSION:
        raise ValueError(_KEY)
    files = tuple(UnclaimedFile(**each) for each in fields.pop("files"))
    if not all(isinstance(text, str) for each in files for text in (each.path, each.owner, each.digest)):
        raise TypeError(_KEY)
    return Unclaimed(root=str(fields.pop("root")), folder=str(fields.pop("folder")), files=files)
