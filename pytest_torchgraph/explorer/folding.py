"""Neighbouring modules that are alike, told as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_torchgraph.explorer.module import Module, walked
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.module import INDEX

FEWEST = 2
"""Neighbours that are worth telling as one."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours in a list that are alike, or one module by itself."""

    members: tuple[Module, ...]

    @property
    def first(self) -> Module:
        """The one that stands for all."""
        return self.members[0]

    @property
    def is_fold(self) -> bool:
        """Whether it stands for several."""
        return len(self.members) > 1

    @property
    def name(self) -> str:
        """``conv1``, or ``0-31``."""
        return f"{self.first.name}-{self.members[-1].name}" if self.is_fold else self.first.name


class Likeness:
    """Tells modules apart by what they are and hold, not by where they stand; every module is looked at once."""

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._of: dict[int, int] = {}
        self._kept: list[Module] = []

    def of(self, module: Module) -> int:
        """The same number for modules that are alike."""
        if id(module) not in self._of:
            for one in reversed([*walked(module)]):
                self._look_at(one)
        return self._of[id(module)]

    def _look_at(self, module: Module) -> None:
        """Number *module*, all of whose children have a number."""
        if id(module) in self._of:
            return
        held = tuple((one.name, one.kind, one.shape, one.dtype, one.device, one.trainable) for one in module.held)
        inside = tuple((child.name, self._of[id(child)]) for child in module.children)
        key = (module.class_name, module.arguments, held, inside, module.same_as is None)
        self._of[id(module)] = self._numbers.setdefault(key, len(self._numbers))
        self._kept.append(module)  # an id is only its own as long as it lives

    def runs(self, modules: Sequence[Module]) -> Iterator[Run]:
        """*modules* in order, neighbours of a list that are alike together."""
        run: list[Module] = []
        for module in modules:
            if run and not self._continues(run[-1], module):
                yield from _runs_of(run)
                run = []
            run.append(module)
        if run:
            yield from _runs_of(run)

    def _continues(self, before: Module, after: Module) -> bool:
        if not (INDEX.fullmatch(before.name) and INDEX.fullmatch(after.name)):
            return False
        return int(after.name) == int(before.name) + 1 and self.of(before) == self.of(after)


def _runs_of(run: list[Module]) -> Iterator[Run]:
    if len(run) >= FEWEST:
        yield Run(tuple(run))
    else:
        yield from (Run((module,)) for module in run)
