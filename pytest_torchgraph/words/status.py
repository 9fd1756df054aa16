"""What became of a graph: one vocabulary for verdicts, outlines, cases and what a session saw.

Files and ``report.schema.json`` spell it as it stands here.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from pytest_torchgraph.quick import dataclass

Judged: TypeAlias = Literal["same", "note", "improved", "drift"]
"""What a comparison comes to."""
Outlined: TypeAlias = Literal[Judged, "budget"]
"""What an outline tells of."""
Written: TypeAlias = Literal["recorded", "updated"]
"""What is done to a file."""
Lone: TypeAlias = Literal["added", "removed"]
"""A file that only one of two sides has."""
Status: TypeAlias = Literal[Outlined, "missing", "unreadable", "refused", Written, Lone]
"""All of them."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A status in words: beside the name of a file, and in a count where that is said otherwise."""

    word: str
    counted: str = ""

    @property
    def in_count(self) -> str:
        """``2 without a snapshot``."""
        return self.counted or self.word


SPOKEN: dict[Status, Spoken] = {
    "drift": Spoken("drifted"),
    "budget": Spoken("over budget"),
    "missing": Spoken("missing", "without a snapshot"),
    "unreadable": Spoken("unreadable"),
    "refused": Spoken("refused"),
    "improved": Spoken("improved"),
    "updated": Spoken("updated"),
    "recorded": Spoken("recorded"),
    "added": Spoken("added"),
    "removed": Spoken("removed"),
    "note": Spoken("unchanged"),
    "same": Spoken("unchanged"),
}
"""The worst first."""
FAILING: frozenset[Status] = frozenset({"drift", "budget", "missing", "unreadable", "refused", "improved"})
"""What fails a test."""
QUIET: frozenset[Status] = frozenset({"same", "note"})
"""What nothing has to be told of."""
