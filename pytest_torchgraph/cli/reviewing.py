"""What waits for review, as the explorer goes through it: with the functions of ``torchgraph review``."""

from __future__ import annotations

from pytest_torchgraph.cli import changes, waiting
from pytest_torchgraph.cli.exits import DRIFT, SAME, Wrong
from pytest_torchgraph.explorer.waiting import Entry


class Reviewing:
    """The changes that wait at *paths*, or those of them that are *chosen*; read anew after each answer."""

    def __init__(self, paths: list[str], chosen: list[str]) -> None:
        self.files = waiting.found(paths)
        self.paths = paths
        self.chosen = waiting.fingerprints(self.files, chosen) if chosen else None

    def entries(self) -> list[Entry]:
        """The changes that nobody has answered yet, those of most snapshots first."""
        return [
            Entry(
                fingerprint=entry.fingerprint,
                title=entry.change.title,
                lines=tuple(changes.lines(entry, in_full=True)),
                tests=tuple(each.pending.test for each in entry.files),
            )
            for entry in changes.entries(self._reread(), self.chosen)
        ]

    def accept(self, fingerprints: frozenset[str]) -> str:
        """Accept changes wherever they were made; says what was done, or why it could not be."""
        try:
            done, _ = waiting.accepted(self._reread(), fingerprints)
        except Wrong as error:
            return str(error)
        return "".join(f"accepted change {name}\n" for name in sorted(fingerprints)) + done

    def reject(self, fingerprints: frozenset[str]) -> str:
        """Drop what waits with any of these changes; says what was done, or why it could not be."""
        try:
            return waiting.reject(self._reread(), fingerprints)
        except Wrong as error:
            return str(error)

    def notes(self) -> list[str]:
        """What else is to be said of what waits."""
        files = self._reread()
        return [note for note in (*waiting.environments(files), waiting.settled_text(files, self.paths)) if note]

    def code(self) -> int:
        """The exit code: whether something still waits."""
        return DRIFT if self._reread() else SAME

    def _reread(self) -> list[waiting.Waiting]:
        self.files = waiting.reread(self.files)
        return self.files
