"""What each check did, as plain data that crosses from a worker process to the terminal summary."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pytest

if TYPE_CHECKING:
    from pathlib import Path

What: TypeAlias = Literal[
    "matched",
    "drifted",
    "missing",
    "unreadable",
    "recorded",
    "updated",
    "unchanged",
    "refused",
    "over budget",
    "noted",
    "verified",
    "waiting",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One check of one test.

    ``path`` is the snapshot's path relative to the root directory, ``text`` one line on what moved, ``changes`` the
    ids of what drifted, ``body`` a digest of what would have been recorded, ``notes`` sentences for the reader,
    ``case`` what a report tells of it, as a line of JSON, ``environment`` what runs otherwise than it was recorded.
    What is *waiting* lies beside its snapshot for review.
    """

    test: str
    path: str
    what: What
    text: str = ""
    changes: tuple[str, ...] = ()
    body: str = ""
    notes: tuple[str, ...] = ()
    case: str = ""
    environment: tuple[str, ...] = ()


@dataclass(slots=True)
class Ledger:
    """What the session saw so far; one per pytest process.

    ``outcomes`` holds the worst phase outcome of each test that made events or could own a snapshot. ``collected`` are
    the node ids before anything was deselected; ``clean_modules`` are the files whose collection passed. ``claims``
    says which test used which file; ``stopped`` that the session ended before its last test.
    """

    events: dict[str, list[Event]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    collected: set[str] = field(default_factory=set)
    clean_modules: set[str] = field(default_factory=set)
    faulty_modules: set[str] = field(default_factory=set)
    items: list[pytest.Item] = field(default_factory=list)
    case_clashes: set[str] = field(default_factory=set)
    claims: dict[Path, tuple[str, str]] = field(default_factory=dict)
    workers_lost: bool = False
    stopped: bool = False
    unused: list[Unused] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """A snapshot file that no test claimed.

    ``owner`` is the node id in its head; ``renamed_to`` the test without a snapshot that would record the same.
    """

    path: str
    owner: str
    removed: bool = False
    renamed_to: str = ""


LEDGER = pytest.StashKey[Ledger]()
ITEM_EVENTS = pytest.StashKey[list[Event]]()


def add(item: pytest.Item, event: Event) -> None:
    """Note *event* for the report of the phase that *item* is in."""
    item.stash.setdefault(ITEM_EVENTS, []).append(event)


def pack(test: str, events: list[Event]) -> dict[str, Any]:
    """Plain data for a test report."""
    return {"test": test, "events": [asdict(event) for event in events]}


def unpack(packed: dict[str, Any]) -> tuple[str, list[Event]]:
    """The node id and events that :func:`pack` was given."""
    return packed["test"], [_event(**event) for event in packed["events"]]


def _event(*, notes: list[str], environment: list[str], changes: list[str], **others: Any) -> Event:
    return Event(notes=tuple(notes), environment=tuple(environment), changes=tuple(changes), **others)
