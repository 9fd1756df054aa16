"""Which modules of two graphs correspond: a renamed one is told from one that is called in the place of another."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property

from pytest_torchgraph.diff.matching import Matching
from pytest_torchgraph.diff.tree import Body


class Modules:
    """The modules behind corresponding calls of the forward pass, by path."""

    def __init__(self, matching: Matching) -> None:
        self.before = _called(matching.before.tree.bodies)
        self.after = _called(matching.after.tree.bodies)
        self.told = matching.told
        self.to: dict[str, set[str]] = defaultdict(set)
        self.origin: dict[str, set[str]] = defaultdict(set)
        for left, right in matching.forward.items():
            one = matching.before.tree.bodies[left[0]].inner.get(left[1])
            other = matching.after.tree.bodies[right[0]].inner.get(right[1])
            if one is not None and other is not None and one.forward is one and other.forward is other:
                self.to[one.owner].add(other.owner)
                self.origin[other.owner].add(one.owner)

    def renamed(self, before: str, after: str) -> bool:
        """Whether *before* is *after* now: wherever the one was called the other is, and nothing else.

        A module that was dissolved into the one inside it is both of them, and so is one that was wrapped.
        Numbers that shift by an inserted layer rename every later one; modules that changed places did not. What a
        person says of the two is believed.
        """
        if self.is_told(before, after):
            return True
        if not (_lie_within(self.to[before], after) and _lie_within(self.origin[after], before)):
            return False
        return not self._changed_places(before)

    @cached_property
    def paths(self) -> dict[str, str]:
        """The path after of each module that has another one."""
        single = ((before, next(iter(after))) for before, after in self.to.items() if len(after) == 1)
        return {before: after for before, after in single if before != after}

    def now(self, before: str) -> str:
        """The path after of the module *before*; of one that is gone, within what became of the module around it."""
        path, rest = before, ""
        while path:
            after = self.to.get(path, ())
            if len(after) == 1:
                return f"{next(iter(after))}{rest}"
            path, dot, name = path.rpartition(".")
            rest = f"{dot}{name}{rest}"
        return before

    def is_told(self, before: str, after: str) -> bool:
        """Whether a person says that *before* is *after* now."""
        return self.told.to.get(before) == after

    def gone(self, before: str) -> bool:
        """Whether the graph after calls the module no longer."""
        return before not in self.after

    def again(self, after: str) -> bool:
        """Whether the graph before called the module too."""
        return after in self.before

    def _changed_places(self, start: str) -> bool:
        """Whether following a module to the one in its place leads back to it."""
        path, seen = start, {start}
        while len(self.to[path]) == 1:
            (path,) = self.to[path]
            if path in seen:
                return path == start
            seen.add(path)
        return False


def _lie_within(paths: set[str], path: str) -> bool:
    """Whether *paths* are *path* and modules around it or inside it."""
    return path in paths and all(each == path or _are_nested(each, path) for each in paths)


def _are_nested(one: str, other: str) -> bool:
    """Whether one of two modules lies in the other."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _called(bodies: list[Body]) -> frozenset[str]:
    return frozenset(body.owner for body in bodies if body.forward is body)
