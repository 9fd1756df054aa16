"""What is chosen in the tree, and what is said where a panel has nothing to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_torchgraph.explorer.block import Block, Line, Missing, line
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.words.counting import times
from pytest_torchgraph.words.printable import printable

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.module import Module
    from pytest_torchgraph.explorer.subject import Subject

RUN_IT = (
    "A file holds what is compared, and nothing else. "
    "Explore the model itself: torchgraph explore MODULE:FACTORY, where the factory returns (model, inputs)."
)
WITH_INPUTS = (
    "No run was recorded. Pass inputs: explore_model(model, inputs), or let the factory return (model, inputs)."
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """``modules`` are those of the row; ``cursor`` is a position in the memory timeline, the peak by default."""

    modules: tuple[Module, ...]
    cursor: int | None = None

    @property
    def first(self) -> Module:
        """The module that stands for all."""
        return self.modules[0]


def title_of(chosen: Chosen) -> Line:
    """``layers.0.attn  Attention``, and for how many it stands."""
    module = chosen.first
    many = f"  one of {len(chosen.modules)} that are alike" if len(chosen.modules) > 1 else ""
    name = printable(module.path or module.class_name)
    title = printable(module.title) if module.path else ""
    return line((name, "name"), (f"  {title}" if title else "", "kind"), (many, "faint"))


def without_run(subject: Subject, what: str) -> tuple[Block, ...]:
    """Why something of a run is not here: nothing ran, or it was read from a file."""
    return (Missing(what, RUN_IT if subject.known == "file" else WITH_INPUTS),)


def not_called(subject: Subject, chosen: Chosen) -> tuple[Block, ...] | None:
    """What is said of a module that no call of the run reached; ``None`` for one that was called."""
    if subject.calls_in(chosen.first.path):
        return None
    return (Missing("not called in this run", "Nothing of it ran, and nothing inside it did."),)


def calls_text(count: int) -> str:
    """``called once``, ``called 3 times``."""
    return "called once" if count == 1 else f"called {times(count, 'time')}"
