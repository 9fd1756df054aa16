"""The loss of a language model: logits that are cut by one position, or labels that are padded by one."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.kinds import COPIES
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Side, both_ways, is_work, made, packet
from pytest_torchgraph.verdict.causes.precision import FLOATS

PAD = "aten.constant_pad_nd"
CUT_BACK = "aten.slice_backward"
LABELS = "no copy of the logits is made; the last label is what was padded"
LOGITS = "the logits are copied; labels that are padded by one need no such copy"
LEAST = 2


@both_ways
def shifted(side: Side) -> Iterator[Claim]:
    """Labels are padded where logits were cut, or the other way round; ``more`` is where the logits are cut."""
    cuts = [change for change in side.changes if _cuts_logits(change)]
    pads = [change for change in side.others if _pads_labels(change)]
    if not cuts or not pads:
        return
    behind = [change for change in side.changes if is_work(change) and packet(change) == CUT_BACK][: len(cuts)]
    changes = (*cuts, *pads, *behind) if side.more else (*pads, *cuts, *behind)
    if side.more:
        title = "the loss is given logits that are cut by one position, no longer labels that are padded by one"
        yield Claim(Cause("logits-shifted", LOGITS), "operation", title, changes)
    else:
        title = "the loss is given labels that are padded by one position, no longer logits that are cut by one"
        yield Claim(Cause("labels-shifted", LABELS), "operation", title, changes)


def _cuts_logits(change: Come) -> bool:
    """Whether all positions but the last of floats are copied."""
    reads = change.site.reads
    if not is_work(change) or packet(change) not in COPIES or phase_of(change) != FORWARD or not reads:
        return False
    whole, part = reads[0].made, reads[0].spec
    if whole is None or part is None or part.dtype not in FLOATS or len(part.shape) <= LEAST:
        return False
    rows = whole.shape[0] * whole.shape[1] if len(whole.shape) > LEAST else whole.shape[0]
    return part.shape[0] * (part.shape[1] + 1) == rows and part.shape[-1] == whole.shape[-1]


def _pads_labels(change: Come) -> bool:
    """Whether whole numbers are padded by one."""
    spec, reads = made(change.site), change.site.reads
    if not is_work(change) or packet(change) != PAD or spec is None or not reads or reads[0].spec is None:
        return False
    before = reads[0].spec.shape
    return spec.dtype == "int64" and bool(before) and spec.shape == (*before[:-1], before[-1] + 1)
