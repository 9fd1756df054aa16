"""What an eager run and a compiled one of a model do differently, by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from pytest_torchgraph.canonical.run import COMPILERS, ENGINES
from pytest_torchgraph.diff.change import Altered, Change, RunChanged
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.verdict.causes.claim import Come, Seen, module_of


@dataclass(frozen=True, slots=True)
class Sides:
    """What only the eager run does, what only the compiled one does, and what both do differently.

    ``compiled_count`` tells how many operations of a name the compiled run has.
    """

    eager: list[Come]
    compiled: list[Come]
    altered: list[Altered]
    compiled_count: Callable[[str], int]

    def within(self, modules: set[str]) -> Sides:
        """The part that is in *modules*."""
        return self._part(one for one in self.changes if module_of(one) in modules)

    def without(self, changes: Iterable[Change]) -> Sides:
        """The part that is not among *changes*."""
        told = set(map(id, changes))
        return self._part(one for one in self.changes if id(one) not in told)

    def _part(self, changes: Iterable[Change]) -> Sides:
        kept = set(map(id, changes))
        return Sides(
            [one for one in self.eager if id(one) in kept],
            [one for one in self.compiled if id(one) in kept],
            [one for one in self.altered if id(one) in kept],
            self.compiled_count,
        )

    @property
    def changes(self) -> tuple[Change, ...]:
        """All of it."""
        return *self.eager, *self.compiled, *self.altered


def sides_of(seen: Seen) -> Sides | None:
    """What differs, by side; ``None`` where both are compiled alike, or neither is."""
    for change in seen.changes:
        if isinstance(change, RunChanged):
            before, after = _level(change.before), _level(change.after)
            if before is not None and after is not None and before != after:
                added, removed = list[Come](seen.added), list[Come](seen.removed)
                eager, compiled = (removed, added) if before < after else (added, removed)
                return Sides(eager, compiled, seen.altered, partial(_count, seen, is_after=before < after))
    return None


def _count(seen: Seen, name: str, *, is_after: bool) -> int:
    return seen.difference.count(name)[is_after]


def _level(engine: str) -> int | None:
    """How far the compiler takes a model apart; ``None`` for a word that tells of something else."""
    if engine in COMPILERS.values():
        return 1 + list(COMPILERS.values()).index(engine)  # type: ignore[arg-type]
    return 0 if engine in ENGINES.values() else None
