"""The parts of a training step beside the forward pass."""

from __future__ import annotations

from pytest_torchgraph.quick import dataclass

FORWARD, BACKWARD, BETWEEN, OPTIMIZER = "forward", "backward", "between", "optimizer"
PHASES = (FORWARD, BACKWARD, BETWEEN, OPTIMIZER)


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of operations that is not forward: one backward pass, one optimizer step, or what lies between.

    ``operations`` is the half-open range of operation positions; ``scope`` the module call in which the phase was
    begun, the root for an ordinary training step. ``title`` is the optimizer's class.
    ``hyperparameters`` are the numbers an optimizer was set to, by name (``lr``; ``betas`` twice), by which its scalars
    are told from those that change with every step.
    """

    name: str
    operations: tuple[int, int]
    scope: int = 0
    title: str = ""
    hyperparameters: tuple[tuple[str, float], ...] = ()
