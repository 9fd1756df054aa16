"""What is told of the graph before, under the names that modules have after."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_torchgraph.canonical.alive import Alive, Place
from pytest_torchgraph.recorded.module import INDEX


class Renames:
    """The modules that have another name, by their paths; ``layers.*`` stands for those whose places are numbers."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        starred = {INDEX.sub("*", before): INDEX.sub("*", after) for before, after in paths.items()}
        self._now = {before: after for before, after in {**starred, **paths}.items() if before}

    def now(self, path: str) -> str:
        """The path after of the module at *path*: its own, or that of the innermost module around it that has one."""
        for end in (len(path), *(at for at in reversed(range(len(path))) if path[at] == ".")):
            if path[:end] in self._now:
                return self._now[path[:end]] + path[end:]
        return path

    def place(self, place: Place | None) -> Place | None:
        """The same *place*, under the name that its module has after."""
        return None if place is None else place.renamed(self.now)

    def alive(self, values: tuple[Alive, ...]) -> tuple[Alive, ...]:
        """The same *values*, under the names that their modules have after."""
        return tuple(value.renamed(self.now) for value in values)
