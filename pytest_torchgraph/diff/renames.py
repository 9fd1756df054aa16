"""What is told of the graph before, under the names that modules have after."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from pytest_torchgraph.canonical.alive import Alive
from pytest_torchgraph.diff.change import Change, Renamed
from pytest_torchgraph.recorded.module import INDEX


class Renames:
    """The modules that have another name, as texts about places name them: ``saved layers.*.mlp: mul f32[2,16]``."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self._now: dict[str, str] = {}
        for change in changes:
            if isinstance(change, Renamed) and change.kind == "scope":
                before, after = (INDEX.sub("*", path) for path in (change.before, change.after))
                self._now |= {before: after, change.before: change.after}
        paths = "|".join(map(re.escape, sorted(self._now, key=len, reverse=True)))
        self._path = re.compile(rf"(?:(?<=^)|(?<= ))(?:{paths})(?=[.: ])") if paths else None

    def now(self, text: str) -> str:
        """*text* with the path of its module as it is after."""
        return self._path.sub(lambda found: self._now[found[0]], text, count=1) if self._path else text

    def alive(self, values: tuple[Alive, ...]) -> tuple[Alive, ...]:
        """The same *values*, under the names that their modules have after."""
        return tuple(replace(value, what=self.now(value.what)) for value in values)
