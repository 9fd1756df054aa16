"""What each check did, as plain data that crosses from a worker process to the terminal summary."""

from __future__ import annotations

from dataclasses import asdict, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pytest

from pytest_torchgraph.plugin.location import without_labels
from pytest_torchgraph.plugin.session.collection import Collection
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.words.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_torchgraph.plugin.location import Address

Aside: TypeAlias = Literal["noted", "verified", "waiting", "claimed"]
"""What happens beside what becomes of a graph."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One check of one test.

    ``path`` is the snapshot's path relative to the root directory, ``text`` one line on what moved, ``changes`` the
    ids of what drifted, ``body`` a digest of what would have been recorded, ``notes`` sentences for the reader,
    ``case`` what a report tells of it, as a line of JSON, ``environment`` what runs otherwise than it was recorded.
    What is *waiting* lies beside its snapshot for review; what is *claimed* is the file that a check asked for, however
    the check ended. ``run`` counts the runs of the test, of which a rerun makes more than one.
    """

    test: str
    path: str
    what: Status | Aside
    text: str = ""
    changes: tuple[str, ...] = ()
    body: str = ""
    notes: tuple[str, ...] = ()
    case: str = ""
    environment: tuple[str, ...] = ()
    run: int = 1

    @property
    def status(self) -> Status | None:
        """What became of a graph; ``None`` of what happened beside that."""
        match self.what:
            case "noted" | "verified" | "waiting" | "claimed":
                return None
            case _:
                return self.what


@dataclass(slots=True)
class Ledger:
    """What the session saw so far; one per pytest process.

    ``events`` are those of the last run of each test, the number of which is in ``runs``; ``outcomes`` hold the worst
    outcome of each; ``claimed`` the labels of all files that checks asked for, variants under the name of their base.
    ``claims`` says which test used which file; ``stopped`` that the session ended before its last test.
    """

    events: dict[str, list[Event]] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)
    collection: Collection = field(default_factory=Collection)
    claims: dict[Path, tuple[str, str]] = field(default_factory=dict)
    workers_lost: bool = False
    stopped: bool = False
    unused: list[Unused] = field(default_factory=list)
    unclaimed: list[Unused] = field(default_factory=list)

    def note(self, test: str, outcome: str, events: list[Event], run: int) -> None:
        """Take over a report of *test*, in whatever order reports come: those of subtests precede that of the setup."""
        self.claimed.update(without_labels(event.path) for event in events if event.what == "claimed")
        if outcome in ("failed", "skipped") or test not in self.outcomes:
            self.outcomes[test] = outcome
        last = max(run, self.runs.get(test, 0), *(event.run for event in events))
        if last > self.runs.get(test, 0):
            self.events[test] = []
        self.runs[test] = last
        self.events.setdefault(test, []).extend(event for event in events if event.run == last)


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
RUN = pytest.StashKey[int]()
"""How often the fixture was made for an item; plugins that run a test again share no other sign of it."""


def begin(item: pytest.Item) -> None:
    """Count a run of *item*."""
    item.stash[RUN] = item.stash.get(RUN, 0) + 1


def add(item: pytest.Item, event: Event) -> None:
    """Note *event* for the report of the phase that *item* is in."""
    item.stash.setdefault(ITEM_EVENTS, []).append(replace(event, run=item.stash.get(RUN, 1)))


def note(item: pytest.Item, snapshot: Address, what: Status | Aside, **told: Any) -> None:
    """Note what happened to *snapshot*; *told* are further fields of the event."""
    add(item, Event(test=snapshot.test, path=snapshot.label, what=what, **told))


def written(item: pytest.Item, path: str) -> Event | None:
    """What this run of *item* noted when it wrote the snapshot at *path*; ``None`` where it wrote none."""
    run = item.stash.get(RUN, 1)
    noted = (event for event in item.stash.get(ITEM_EVENTS, []) if event.run == run and event.path == path)
    return next((event for event in noted if event.what in ("recorded", "updated")), None)


def pack(test: str, events: list[Event], run: int = 1) -> dict[str, Any]:
    """Plain data for a test report."""
    return {"test": test, "run": run, "events": [asdict(event) for event in events]}


def unpack(packed: dict[str, Any]) -> tuple[str, list[Event]]:
    """The node id and events that :func:`pack` was given."""
    return packed["test"], [_event(**event) for event in packed["events"]]


def _event(*, notes: list[str], environment: list[str], changes: list[str], **others: Any) -> Event:
    return Event(notes=tuple(notes), environment=tuple(environment), changes=tuple(changes), **others)
