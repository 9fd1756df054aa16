"""What waits for review, as the explorer goes through it: with the functions of ``torchgraph review``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_torchgraph.cli.exits import DRIFT, SAME, Wrong
from pytest_torchgraph.cli.review import changes, settling, waiting
from pytest_torchgraph.explorer.waiting import Entry

if TYPE_CHECKING:
    import argparse


class Reviewing:
    """The changes that wait where *arguments* say, or those of them that were chosen; read anew after each answer."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        found = waiting.found(arguments)
        self.paths: list[str] = arguments.paths
        self.chosen = found.chosen(arguments.change)
        self.faults = found.faults
        self.files = found.waiting

    def entries(self) -> list[Entry]:
        """The changes that nobody has answered yet, those of most snapshots first."""
        return [
            Entry(
                fingerprint=entry.fingerprint,
                title=entry.change.title,
                lines=tuple(changes.lines(entry, in_full=True)),
                tests=tuple(each.pending.test for each in entry.files),
            )
            for entry in self._open()
        ]

    def accept(self, fingerprints: frozenset[str]) -> str:
        """Accept changes wherever they were made; says what was done, and what could not be."""
        return changes.done("a", self._open(fingerprints))

    def reject(self, fingerprints: frozenset[str]) -> str:
        """Drop what waits with any of these changes; says what was done, and what could not be."""
        return changes.done("r", self._open(fingerprints))

    def whole_diff(self, fingerprint: str, number: int) -> str:
        """Every operation that one of the snapshots of a change would change; *number* counts on through them."""
        found = self._open(frozenset({fingerprint}))
        return changes.whole_diff(found[0].files, number, colour=False) if found else ""

    def notes(self) -> list[str]:
        """What else is to be said of what waits."""
        told = (
            *waiting.environments(self._reread()),
            settling.settled_text(self.files, self.paths),
            *changes.orphans(self.files),
            *self.faults,
        )
        return [note for note in told if note]

    def code(self) -> int:
        """The exit code: whether something still waits."""
        return DRIFT if self._reread() else SAME

    def _open(self, chosen: frozenset[str] | None = None) -> list[changes.Entry]:
        return changes.entries(self._reread(), self.chosen if chosen is None else chosen)

    def _reread(self) -> list[waiting.Waiting]:
        try:
            self.files = waiting.reread(self.files)
        except Wrong as error:
            self.faults = list(dict.fromkeys([*self.faults, str(error)]))
        return self.files
