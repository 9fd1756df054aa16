"""What is trained, and by which optimizer."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.diff.change import Change, LoopChanged, Replaced
from pytest_torchgraph.graph.counting import times
from pytest_torchgraph.graph.phase import BACKWARD, OPTIMIZER
from pytest_torchgraph.graph.program import Block
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, module_of, operations_of, phase_of

FROZEN = "fewer parameters are trained (requires_grad_(False), .detach(), no_grad around a part)"
OTHER = "another optimizer, or another option of it (momentum, amsgrad, weight_decay)"
TRAINED = "more parameters are trained (requires_grad, a part that was detached or under no_grad)"


def frozen(seen: Seen) -> Iterator[Claim]:
    """The backward pass is done for other parameters: their gradients come or go with the work for them."""
    before, after = seen.difference.metric("gradients")
    if before is None or after is None or before == after:
        return
    fewer = after < before
    found = [change for change in (seen.removed if fewer else seen.added) if phase_of(change) == BACKWARD]
    if not found:
        return
    found.sort(key=lambda change: not isinstance(change.site.item, Block))
    loops = [change for change in seen.changes if isinstance(change, LoopChanged)]
    changes: tuple[Change, ...] = (*found, *loops)
    verb = "no longer goes" if fewer else "goes"
    title = f"the backward pass {verb} through {_named(found)} ({times(operations_of(changes), 'operation', '+d')})"
    yield Claim(Cause("other-parameters", FROZEN if fewer else TRAINED), "state", title, changes)


def _named(changes: list[Come]) -> str:
    """The outermost modules; at most three."""
    names = list(dict.fromkeys(module_of(change) or "the model" for change in changes))
    outer = [name for name in names if not any(name.startswith(f"{other}.") for other in names)]
    return ", ".join(outer[:3]) + (", …" if len(outer) > 3 else "")


def optimizer(seen: Seen) -> Iterator[Claim]:
    """Another optimizer: it keeps another amount of state, and does something else with each parameter."""
    before, after = seen.difference.metric("state")
    inside = [change for change in seen.changes if phase_of(change) == OPTIMIZER]
    replaced = [change for change in inside if isinstance(change, Replaced)]
    if before is None or after is None or (before == after and not replaced) or len(inside) < 2:
        return
    ops = seen.difference.metric("optimizer.ops")
    what = f"is {replaced[0].after}, was {replaced[0].before}" if replaced else "does something else"
    title = f"the optimizer {what} (optimizer.ops {ops[0]} -> {ops[1]})"
    changes = (*replaced, *(change for change in inside if change not in replaced))
    yield Claim(Cause("other-optimizer", OTHER), "operation", title, changes)
