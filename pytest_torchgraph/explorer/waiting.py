"""What waits for review, as the explorer is given it."""

from __future__ import annotations

from typing import Protocol

from pytest_torchgraph.quick import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A change that waits: ``lines`` tell it in full, ``tests`` are those that it was made in."""

    fingerprint: str
    title: str
    lines: tuple[str, ...]
    tests: tuple[str, ...]


class Reviewing(Protocol):
    """Lists what waits, and does what was answered."""

    def entries(self) -> list[Entry]:
        """The changes that nobody has answered yet."""
        ...

    def accept(self, fingerprints: frozenset[str]) -> str:
        """Accept changes; says what was done."""
        ...

    def reject(self, fingerprints: frozenset[str]) -> str:
        """Reject changes; says what was done."""
        ...

    def whole_diff(self, fingerprint: str, number: int) -> str:
        """Every operation of one of the snapshots of a change; *number* counts on through them."""
        ...

    def notes(self) -> list[str]:
        """What else is to be said."""
        ...
