"""What is told of the graph before, under the names that modules have after."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from pytest_torchgraph.canonical.alive import Alive
from pytest_torchgraph.recorded.module import INDEX


class Renames:
    """The modules that have another name, as texts about places name them: ``saved layers.*.mlp: mul f32[2,16]``."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        starred = {INDEX.sub("*", before): INDEX.sub("*", after) for before, after in paths.items()}
        self._now = {**starred, **paths}
        words = "|".join(map(re.escape, sorted(filter(None, self._now), key=len, reverse=True)))
        self._path = re.compile(rf"(?:(?<=^)|(?<= ))(?:{words})(?=[.: ])") if words else None

    def now(self, text: str) -> str:
        """*text* with the path of its module as it is after."""
        return self._path.sub(lambda found: self._now[found[0]], text, count=1) if self._path else text

    def alive(self, values: tuple[Alive, ...]) -> tuple[Alive, ...]:
        """The same *values*, under the names that their modules have after."""
        return tuple(replace(value, what=self.now(value.what)) for value in values)
