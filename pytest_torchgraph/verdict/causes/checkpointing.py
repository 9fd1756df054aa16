"""Gradient checkpointing: modules that run again in the backward pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_torchgraph.canonical.program import RecomputedCall
from pytest_torchgraph.diff.change import Added, Altered, Change, Removed, Value
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.phase import BACKWARD, FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    Side,
    both_ways,
    distinct,
    module_of,
    operations_of,
    work_names,
)
from pytest_torchgraph.words.counting import listed, times

ON = "they are checkpointed now"
OFF = "is it switched on, is its flag passed on?"
MORE = "is more checkpointed, or does a policy keep less?"
LESS = "is less checkpointed, or does a policy keep more?"
ONCE = "a checkpointed module no longer lies inside another"
TWICE = "a checkpointed module lies inside another: its forward pass runs three times"


@both_ways
def checkpointing(side: Side) -> Iterator[Claim]:
    """Recomputation came or went, with everything in the backward pass that reads what it makes."""
    blocks = [change for change in side.changes if _is_again(change)]
    if not blocks or any(map(_is_again, side.others)):
        return
    rewired: list[Change] = [change for change in side.seen.altered if _reads_again(change)]
    changes = distinct((*blocks, *rewired, *filter(_is_rerun, side.changes)))
    count = times(operations_of(changes), "operation", "+d")
    yield Claim(_switched(side, blocks), "scope", f"{_rerun_text(side, blocks)} ({count})", changes)


def _rerun_text(side: Side, blocks: list[Come]) -> str:
    """``3 module calls run again in the backward pass``, ``parts of`` them where a policy keeps the rest."""
    whole = f"{times(len(blocks), 'module call')} {'run' if len(blocks) > 1 else 'runs'} again in the backward pass"
    if not side.more:
        return f"{whole} no longer"
    if not _kept(side):
        return whole
    ran = dict.fromkeys(name.removeprefix("aten.") for change in blocks for name in work_names(change.site))
    return f"parts of {times(len(blocks), 'module call')} run again in the backward pass: {listed([*ran], FEW)}"


def _switched(side: Side, blocks: list[Come]) -> Cause:
    if any(map(_is_nested, blocks)):
        return Cause("checkpointing-twice", TWICE) if side.more else Cause("checkpointing-once", ONCE)
    others = side.seen.difference.reruns[0 if side.more else 1]
    if side.more:
        policy = f"a policy keeps what {listed([*_kept(side)], 2)} made" if _kept(side) else ON
        return Cause("checkpointing-on", _saved_text(side.seen, MORE if others.calls else policy))
    return Cause("checkpointing-off", _saved_text(side.seen, LESS if others.calls else OFF))


def _kept(side: Side) -> tuple[str, ...]:
    """The operations that a policy keeps in the graph that runs more again, where nothing ran again in the other."""
    before, after = side.seen.difference.reruns
    one, other = (after, before) if side.more else (before, after)
    return () if other.calls else one.kept


def _saved_text(seen: Seen, hint: str) -> str:
    """*hint*, and before it what became of the bytes that are kept for the backward pass."""
    before, after = seen.difference.metric("saved")
    if before is None or after is None or before == after:
        return hint
    return f"{'less' if after < before else 'more'} is kept for the backward pass; {hint}"


@both_ways
def early_stop(side: Side) -> Iterator[Claim]:
    """What runs again goes to its end, or stops at the last value needed, while the forward pass is the same."""
    found = [change for change in side.changes if change.idle and _is_inside_again(change)]
    if not found or _edits_forward(side.seen, found):
        return
    count = times(operations_of(found), "operation", "+d")
    if side.more:
        title = f"checkpointing runs modules again to their end, though nothing needs that ({count})"
        yield Claim(Cause("checkpointing-whole", WHOLE), "operation", title, tuple(found), "more")
    else:
        title = f"what checkpointing runs again stops at the last value needed ({count})"
        yield Claim(Cause("checkpointing-early-stop", EARLY), "operation", title, tuple(found), "fewer")


WHOLE = "reentrant checkpointing does so; was use_reentrant=False dropped?"
EARLY = "non-reentrant checkpointing does so (use_reentrant=False)"


@both_ways
def recomputed(side: Side) -> Iterator[Claim]:
    """Operations that run again in the backward pass though their results were kept, or the other way round."""
    found = [change for change in side.changes if change.again and not change.idle and _is_inside_again(change)]
    if not found or _edits_forward(side.seen, found):
        return
    works = dict.fromkeys(name.removeprefix("aten.") for change in found for name in work_names(change.site))
    names = listed([*works], FEW)
    count = times(operations_of(found), "operation", "+d")
    rewired = [change for change in side.seen.altered if phase_of(change) == BACKWARD and _is_rewired(change)]
    all_of_them: tuple[Change, ...] = (*found, *rewired)
    if side.more:
        title = f"run again in the backward pass, no longer kept: {names} ({count})"
        yield Claim(Cause("recomputed", POLICY), "operation", title, all_of_them, "more")
    else:
        title = f"kept for the backward pass, no longer run again: {names} ({count})"
        yield Claim(Cause("kept", POLICY), "operation", title, all_of_them, "fewer")


FEW = 4
POLICY = "what a checkpointed module keeps is another; does its policy name what runs?"


def _is_inside_again(change: Come) -> bool:
    """Whether it stands in a module that runs again, and is not that itself."""
    return change.site.scope.is_again and not _is_again(change)


def _edits_forward(seen: Seen, again: Iterable[Come]) -> bool:
    """Whether the forward pass does something else in the modules that run *again*: then that does, too."""
    modules = {_run_again(change) for change in again}
    inside = tuple(f"{module}." if module else "" for module in modules)
    edits = filter(_is_forward_edit, seen.difference.changes)
    return any(f"{module_of(edit)}.".startswith(inside) for edit in edits)


def _run_again(change: Come) -> str:
    """Path of the outermost module that runs again, in which *change* happened; empty where that is the model."""
    scope = change.site.scope
    return scope.module[: min(end for end, turn in scope.turns if turn.again)]


def _is_forward_edit(change: Change) -> bool:
    is_edit = isinstance(change, (Added, Removed)) or (isinstance(change, Altered) and not change.follows)
    return is_edit and phase_of(change) == FORWARD


def _is_rewired(change: Altered) -> bool:
    return all(field.kind in ("operand", "geometry", "part") for field in change.fields)


def _is_again(change: Come) -> bool:
    return isinstance(change.site.item, RecomputedCall)


def _is_rerun(change: Come) -> bool:
    """Whether work of the forward pass is done in the backward pass too."""
    return change.again and phase_of(change) == BACKWARD


def _is_nested(change: Come) -> bool:
    """Whether it reads what a module around it made again, or stands in that."""
    assert isinstance(change.site.item, RecomputedCall)
    reads_again = any(value.around_again for value in change.site.reads)
    return reads_again or change.site.scope.is_again or change.site.item.call > 1


def _reads_again(change: Altered) -> bool:
    """Whether nothing differs but that the backward pass reads the same tensor where it was made again."""
    pairs = [(field.before, field.after) for field in change.fields if field.kind == "operand"]
    if len(pairs) != len(change.fields) or phase_of(change) != BACKWARD:
        return False
    return all(isinstance(one, Value) and isinstance(other, Value) and _alike(one, other) for one, other in pairs)


def _alike(before: Value, after: Value) -> bool:
    left, right = before.spec, after.spec
    same = left is not None and right is not None and (left.dtype, left.shape) == (right.dtype, right.shape)
    return same or before.again or after.again
