"""Where work stands: in which phase, in which call of which module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pytest_torchgraph.canonical.paths import ROOT, absolute, steps_up
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.phase import FORWARD, PHASES

AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Turn:
    """Which call of one name it is: the ``number``-th, or the ``number``-th that checkpointing makes ``again``."""

    number: int = 1
    again: bool = False

    def __str__(self) -> str:
        """``#2``, ``#again``, ``#again2``; empty for the first call."""
        if self.again:
            return f"#{AGAIN}{self.number if self.number > 1 else ''}"
        return f"#{self.number}" if self.number > 1 else ""


FIRST = Turn()


@dataclass(frozen=True, slots=True)
class Stage:
    """One phase, begun in the module call ``begun``; or one loop over parameters in the phase ``begun``."""

    name: str
    turn: Turn
    begun: ScopePath
    is_loop: bool = False


@dataclass(frozen=True, slots=True)
class ScopePath:
    """One module call, phase or loop, told from the root.

    ``module`` is the path of the module; that of a phase is the one in which it was begun. ``turns`` say which call it
    is, and which the calls around it are, where that is not the first: how much of the path is about, and which turn.
    ``stage`` is the phase or the loop, ``None`` in the forward pass.
    """

    module: str = ""
    turns: tuple[tuple[int, Turn], ...] = ()
    stage: Stage | None = None

    @property
    def phase(self) -> str:
        """Name of the phase."""
        if self.stage is None:
            return FORWARD
        return self.stage.begun.phase if self.stage.is_loop else self.stage.name

    @property
    def is_again(self) -> bool:
        """Whether checkpointing makes the call, or one around it, a second time."""
        return any(turn.again for _, turn in self.turns)

    @property
    def outside_loop(self) -> ScopePath:
        """The same without the loop over parameters that it is."""
        return self.stage.begun if self.stage is not None and self.stage.is_loop else self

    @property
    def without_again(self) -> ScopePath:
        """The same, whether checkpointing makes the call again or not."""
        return replace(self, turns=tuple(one for one in self.turns if not one[1].again))

    def called(self, path: str, turn: Turn, around: Sequence[ScopePath]) -> ScopePath:
        """The call of the module at *path*, as it is told in this scope; *around* are the scopes around, this first."""
        own = ScopePath() if path.startswith(ROOT) else around[min(steps_up(path), len(around) - 1)]
        module = absolute(path, [one.module for one in around])
        turns = own.turns if turn == FIRST else (*own.turns, (len(module), turn))
        return ScopePath(module, turns, self.stage)

    def renamed(self, now: Callable[[str], str]) -> ScopePath:
        """The same, where *now* gives the path that a module has."""
        turns = tuple((len(now(self.module[:end])), turn) for end, turn in self.turns)
        stage = None if self.stage is None else replace(self.stage, begun=self.stage.begun.renamed(now))
        return ScopePath(now(self.module), turns, stage)

    def begins(self, name: str, turn: Turn, *, is_loop: bool = False) -> ScopePath:
        """The phase or the loop *name* that is begun in this scope."""
        return ScopePath(self.module, (), Stage(name, turn, self, is_loop))

    def __str__(self) -> str:
        """``layers.0#2``, ``backward layers.0``, ``optimizer each``; empty for the root.

        The forward pass is named only before the path of a module that is called as a phase is.
        """
        path = self._path()
        if self.stage is not None:
            stage = f"{self.stage.begun} {self.stage.name}{self.stage.turn}".strip()
            return f"{stage} {path}".strip()
        return f"{FORWARD} {path}" if path.partition(".")[0].partition("#")[0] in PHASES else path

    def _path(self) -> str:
        start = self._start()
        parts = [self.module[start:]]
        for end, turn in reversed(self.turns):
            at = max(end - start, 0)
            parts[0:1] = [parts[0][:at], str(turn), parts[0][at:]]
        return "".join(parts)

    def _start(self) -> int:
        """Where the path begins that is told of a phase: behind the module in which the phase was begun."""
        around = "" if self.stage is None else self.stage.begun.module
        if self.module == around:
            return len(around)
        return len(around) + 1 if around and self.module.startswith(f"{around}.") else 0
