"""What is trained, and by which optimizer."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.canonical.program import Block, ModuleCall, PhaseBlock
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.diff.change import Added, Called, Change, LoopChanged, Removed, Replaced
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.phase import BACKWARD, BETWEEN, FORWARD, OPTIMIZER
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    Side,
    both_ways,
    module_of,
    operations_of,
    work_names,
)
from pytest_torchgraph.verdict.title import loop_text
from pytest_torchgraph.words.counting import listed, times

FROZEN = "fewer parameters are trained (requires_grad_(False), .detach(), no_grad around a part)"
OTHER = "another optimizer, or another option of it (momentum, amsgrad, weight_decay)"
LEFT_OUT = "they get a gradient and no update; was the optimizer given all parameters?"
GIVEN = "nothing used their gradient; the optimizer is given more parameters"
TRAINED = "more parameters are trained (requires_grad, a part that was detached or under no_grad)"


@both_ways
def steps(side: Side) -> Iterator[Claim]:
    """More or fewer phases of a training step, or whole steps: with the forward calls that belong to them."""
    phases = [change for change in side.changes if _phase(change) in (BACKWARD, OPTIMIZER)]
    if len(phases) < 2 and not any(isinstance(each.site.item, Block) and each.site.item.call > 1 for each in phases):
        return
    beside = [change for change in side.changes if _phase(change) == BETWEEN or _is_called_again(change)]
    names = [_phase(change) for change in phases]
    told = " and ".join(times(names.count(name), f"{name} phase") for name in dict.fromkeys(names))
    all_of_them: tuple[Change, ...] = (*phases, *beside)
    count = times(abs(operations_of(all_of_them)), "operation")
    title = f"{'+' if side.more else '-'}{told} ({count}{' in all' if beside else ''})"
    cause = Cause("phase-added", STEPS) if side.more else Cause("phase-removed", STEPS)
    yield Claim(cause, "scope", title, all_of_them, "more" if side.more else "fewer")


def _phase(change: Come) -> str:
    item = change.site.item
    return item.name if isinstance(item, PhaseBlock) else ""


def _is_called_again(change: Come) -> bool:
    """Whether a module is called for the second time or later straight from the code that is recorded."""
    item = change.site.item
    return isinstance(item, ModuleCall) and item.call > 1 and change.site.scope == ScopePath()


STEPS = "another number of training steps, or parts of one, is recorded; the model need not have changed"


def frozen(seen: Seen) -> Iterator[Claim]:
    """The backward pass is done for other parameters: their gradients come or go with the work for them."""
    before, after = seen.difference.metric("gradients")
    if before is None or after is None or before == after:
        return
    if any(isinstance(change, Called) for change in seen.difference.changes):
        return  # the modules that are called instead have parameters of their own
    fewer = after < before
    moved = seen.removed if fewer else seen.added
    forward = {module_of(change) for change in moved if phase_of(change) == FORWARD}
    found = [change for change in moved if _is_whole(change) and module_of(change) not in forward]
    if not found:
        return
    loops = [change for change in seen.changes if isinstance(change, LoopChanged)]
    changes: tuple[Change, ...] = (*found, *loops)
    verb = "no longer goes" if fewer else "goes"
    title = f"the backward pass {verb} through {_named(found)} ({times(operations_of(changes), 'operation', '+d')})"
    yield Claim(Cause("other-parameters", FROZEN if fewer else TRAINED), "state", title, changes)


def _is_whole(change: Come) -> bool:
    """Whether all of the backward work of a module came or went."""
    item = change.site.item
    return isinstance(item, ModuleCall) and phase_of(change) == BACKWARD


def _named(changes: list[Come]) -> str:
    """The outermost modules; at most three."""
    names = list(dict.fromkeys(module_of(change) or "the model" for change in changes))
    outer = [name for name in names if not any(name.startswith(f"{other}.") for other in names)]
    return listed(outer, 3)


def updated(seen: Seen) -> Iterator[Claim]:
    """The optimizer was given other parameters, while as many as before get a gradient."""
    inside = [change for change in seen.changes if phase_of(change) == OPTIMIZER]
    loops = [change for change in inside if isinstance(change, LoopChanged) and not change.with_model]
    went = {name for change in loops for name in change.went}
    came = {name for change in loops for name in change.came}
    before, after = seen.difference.metric("gradients")
    if not (went or came) or before != after or went & came or _keeps_as_much(seen) or _is_another(inside):
        return
    whole = LoopChanged(loops[0].scope, tuple(sorted(came)), tuple(sorted(went)))
    cause = Cause("other-parameters", LEFT_OUT if went else GIVEN)
    yield Claim(cause, "state", loop_text(whole), (*loops, *(change for change in inside if change not in loops)))


def _keeps_as_much(seen: Seen) -> bool:
    """Whether the optimizer keeps the same state as before, and some: then it updates the same parameters."""
    before, after = seen.difference.metric("state")
    return bool(before) and before == after


def _is_another(inside: list[Change]) -> bool:
    """Whether the optimizer is of another class, or does what it did not do."""
    replaced = any(isinstance(change, Replaced) for change in inside)
    went, came = (
        {name for change in inside if isinstance(change, kind) for name in work_names(change.site)}
        for kind in (Removed, Added)
    )
    return replaced or went != came


def optimizer(seen: Seen) -> Iterator[Claim]:
    """Another optimizer: it keeps another amount of state, and does something else with each parameter."""
    before, after = seen.difference.metric("state")
    inside = [change for change in seen.changes if phase_of(change) == OPTIMIZER]
    replaced = [change for change in inside if isinstance(change, Replaced)]
    if before is None or after is None or (before == after and not replaced) or len(inside) < 2:
        return
    if any(isinstance(change, LoopChanged) for change in inside) and not _is_another(inside):
        return
    ops = seen.difference.metric("optimizer.ops")
    what = f"is {replaced[0].after}, was {replaced[0].before}" if replaced else "does something else"
    title = f"the optimizer {what} (optimizer.ops {ops[0]} -> {ops[1]})"
    changes = (*replaced, *(change for change in inside if change not in replaced))
    yield Claim(Cause("other-optimizer", OTHER), "operation", title, changes)
