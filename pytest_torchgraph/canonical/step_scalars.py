"""Numbers of an optimizer that change with each of its steps: they are no part of the canonical graph.

Adam corrects its averages by how many steps were made (``1 - beta ** step``), so no two of its steps have the same
scalars. A number is kept where the optimizer was set to it (``lr``, ``eps``), where it follows from what it was set to
in one of the ways that optimizers use (``-lr``, ``1 - beta``, ``1 - lr * weight_decay``), and where it is whole. What
is left changes from step to step, or follows from the settings in a way that is not known here: then a drift of that
number is not seen.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from itertools import combinations_with_replacement
from math import isclose, isfinite
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.recorded.operation import Opaque, packet_of
from pytest_torchgraph.recorded.phase import OPTIMIZER

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.operation import Argument, Operation
    from pytest_torchgraph.recorded.record import Record

EACH_STEP = Opaque("step")
"""What stands for a number that changes with each step: ``div(%sqrt, <step>)``."""
DIVISIONS = frozenset({"aten.div", "aten.div_", "aten._foreach_div", "aten._foreach_div_"})
QUOTIENTS = frozenset({"aten.addcdiv", "aten.addcdiv_", "aten._foreach_addcdiv", "aten._foreach_addcdiv_"})
MOST_SETTINGS = 12
"""Of more settings than that, as of an optimizer with many groups, no products are made."""


class Steps:
    """The optimizer steps of one graph, and what each was set to."""

    def __init__(self, graph: Record) -> None:
        self.phases = [phase for phase in graph.phases if phase.name == OPTIMIZER]
        self.starts = [phase.operations[0] for phase in self.phases]

    def masked(self, operation: Operation) -> tuple[tuple[Argument, ...], tuple[tuple[str, Argument], ...]]:
        """Arguments and keywords of *operation*, without what changes with each step."""
        if operation.phase != OPTIMIZER:
            return operation.arguments, operation.keywords
        place = bisect_right(self.starts, operation.index) - 1
        settings = self.phases[place].hyperparameters if place >= 0 else ()
        if not settings:  # nothing is known of a step that was read from a file, where all this was done
            return operation.arguments, operation.keywords
        known = known_to(packet_of(operation.name), settings)
        arguments = tuple(mask(value, known) for value in operation.arguments)
        return arguments, tuple((name, mask(value, known)) for name, value in operation.keywords)


def mask(value: Any, known: frozenset[float]) -> Any:
    """*value*, every number in it that is neither whole nor *known* replaced."""
    if isinstance(value, tuple):
        return tuple(mask(part, known) for part in value)
    return EACH_STEP if isinstance(value, float) and not is_constant(value, known) else value


def is_constant(number: float, known: frozenset[float]) -> bool:
    """Whether *number* is whole, or among *known* but for its sign and the last bits."""
    if not isfinite(number) or number.is_integer():
        return True
    return abs(number) in known or any(isclose(abs(number), abs(other), rel_tol=1e-12) for other in known)


@lru_cache(maxsize=256)
def known_to(operation: str, settings: tuple[tuple[str, float], ...]) -> frozenset[float]:
    """The numbers that *operation* may be given in every step alike.

    What it divides by, and the length of a step that is divided by something, are corrected in the first steps; in the
    very first the correction may equal a setting, such as ``1 - beta``.
    """
    if operation in DIVISIONS:
        return frozenset(value for _, value in settings)
    if operation in QUOTIENTS:
        return frozenset(value for name, value in settings if name == "lr")
    return frozenset(following(tuple(value for _, value in settings)))


def following(settings: tuple[float, ...]) -> tuple[float, ...]:
    """*settings*, and what optimizers work out of them alone."""
    pairs = combinations_with_replacement(settings, 2) if len(settings) <= MOST_SETTINGS else ()
    numbers = (*settings, *(one * other for one, other in pairs))
    return (*numbers, *(1 - number for number in numbers))
