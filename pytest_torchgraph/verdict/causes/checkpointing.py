"""Gradient checkpointing: modules that run again in the backward pass."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.diff.change import Altered, Value
from pytest_torchgraph.diff.tree import AGAIN
from pytest_torchgraph.graph.program import Block
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, operations_of
from pytest_torchgraph.verdict.wording import times

ON = "less is kept for the backward pass and more is computed in it; was gradient checkpointing switched on?"
OFF = "more is kept for the backward pass; was gradient checkpointing switched off, or its flag not passed on?"
TWICE = "a checkpointed module lies inside another: its forward pass runs three times"


def checkpointing(seen: Seen) -> Iterator[Claim]:
    """Recomputation came or went, with everything in the backward pass that reads what it makes."""
    came = [change for change in seen.added if _is_again(change)]
    went = [change for change in seen.removed if _is_again(change)]
    if bool(came) == bool(went):
        return
    blocks: list[Come] = [*came, *went]
    if came:
        cause = Cause("checkpointing-twice", TWICE) if any(map(_is_nested, came)) else Cause("checkpointing-on", ON)
    else:
        cause = Cause("checkpointing-off", OFF)
    rewired = [change for change in seen.altered if _reads_again(change)]
    calls = times(len(blocks), "module call")
    what = f"{calls} {'run' if len(blocks) > 1 else 'runs'} again in the backward pass{'' if came else ' no longer'}"
    yield Claim(cause, "scope", f"{what} ({operations_of(blocks):+d} operations)", (*blocks, *rewired))


def _is_again(change: Come) -> bool:
    return isinstance(change.site.item, Block) and change.site.item.call < 0


def _is_nested(change: Come) -> bool:
    """Whether it reads what was made again, or stands in it."""
    assert isinstance(change.site.item, Block)
    reads_again = any(AGAIN in value.name for value in change.site.reads)
    return reads_again or AGAIN in change.site.scope or change.site.item.call < -1


def _reads_again(change: Altered) -> bool:
    """Whether nothing differs but that an operand is what the module made again."""
    values = [value for field in change.fields for value in (field.before, field.after)]
    are_operands = all(field.kind == "operand" for field in change.fields)
    return are_operands and any(isinstance(value, Value) and AGAIN in value.name for value in values)
