"""Memory that moved though the work is the same: what is alive at the peak that was not, or no longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_torchgraph.canonical.metric import HELD_METRICS
from pytest_torchgraph.diff.change import Added, Altered, Change, Difference, MetricChanged, OutputChanged, Removed
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.phase import OPTIMIZER
from pytest_torchgraph.verdict.alive import paired
from pytest_torchgraph.verdict.causes.claim import bytes_of, written
from pytest_torchgraph.verdict.finding import Finding

QUIET = frozenset({"order", "backend", "name", "spelling", "bookkeeping", "memory"})
UNREAD = "the model holds them, but no operation of this run reads them"
RELEASED = "the model held them, but no operation of this run read them"
LONGER = "values are kept alive longer (a list, a cache, a hook, a lost torch.no_grad())"

KEPT = {
    "saved-more": "autograd keeps more of the same work: a no_grad() or requires_grad_(False) dropped?",
    "saved-less": "autograd keeps less of the same work: a no_grad() or requires_grad_(False) new?",
}
"""What the same forward work that is differentiated more or less is likely to come from."""


def explained(found: list[Finding], difference: Difference) -> list[Finding]:
    """Why memory moved: alone, which no count shows, so that its title says so; or further than what else changed."""
    before, after = difference.metric("ops")
    alone = before == after and all(map(_is_quiet, found))
    tell = _told if alone else _told_beside
    return [tell(each, found, difference) if each.kind == "memory" else each for each in found]


def _is_quiet(finding: Finding) -> bool:
    """Whether *finding* leaves what is computed as it was."""
    return finding.kind in QUIET and not (finding.kind == "order" and finding.severity == "fail")


def _told_beside(finding: Finding, found: Sequence[Finding], difference: Difference) -> Finding:
    """A peak that moved further than all that other changes write: most of that are values that live otherwise.

    Wrong where an edit brings the peak to another moment at which more was alive all along.
    """
    before, after = (amount or 0 for amount in difference.metric("peak"))
    changes = [change for each in found for group in each.groups for change in group.changes]
    far = abs(after - before) - sum(map(_written, changes)) > MOST * abs(after - before)
    if _metrics(finding) != {"peak"} or finding.cause or not far or not _is_of_values(difference):
        return finding
    if any(each.kind in ("run", "input") or "saved" in _metrics(each) for each in found):
        return finding
    if any(phase_of(change) == OPTIMIZER for change in changes) or not _is_told(difference):
        return finding
    title = f"values are {'kept alive longer' if after > before else 'let go of sooner'}: {finding.title}"
    return _kept(replace(finding, title=title))


def _is_told(difference: Difference) -> bool:
    """Whether what is alive at the peak accounts for most of its move."""
    before, after = (amount or 0 for amount in difference.metric("peak"))
    pairs = paired(difference.alive_before, difference.alive_after)
    return sum(other.bytes - one.bytes for one, other in pairs) / (after - before) > MOST


def _written(change: Change) -> int:
    """Bytes that what came, went or was altered writes, or by how many what is handed out takes more or fewer."""
    match change:
        case Added(site) | Removed(site):
            return written(site.item)
        case Altered(before, after):
            return max(written(after.item), written(before.item))
        case OutputChanged(_, before, after):
            return abs(bytes_of(after.spec if after else None) - bytes_of(before.spec if before else None))
        case _:
            return 0


def _kept(finding: Finding) -> Finding:
    if finding.direction == "more":
        return replace(finding, cause="kept-alive", hint=LONGER)
    return replace(finding, cause="released-sooner", hint="values are let go of sooner")


def _told(finding: Finding, found: Sequence[Finding], difference: Difference) -> Finding:
    title = f"{finding.title} with the same ops"
    if _metrics(finding) <= {"parameters", "buffers"}:
        return replace(finding, title=title, hint=UNREAD if finding.direction == "more" else RELEASED)
    if finding.cause in KEPT:
        return replace(finding, title=title, hint=KEPT[finding.cause])
    if finding.cause:
        return replace(finding, title=title)
    moved = {name for each in found for name in _metrics(each)}
    if "saved" in moved or not _is_of_values(difference):
        return replace(finding, title=title)
    return _kept(replace(finding, title=title))


def _is_of_values(difference: Difference) -> bool:
    """Whether most of what the peak moved by is neither held by the model nor kept for training."""
    before, after = difference.metric("peak")
    moved = (after or 0) - (before or 0)
    held = sum((after or 0) - (before or 0) for before, after in map(difference.metric, HELD_METRICS))
    return moved != 0 and (moved - held) / moved > MOST


MOST = 0.5


def _metrics(finding: Finding) -> set[str]:
    return {group.first.name for group in finding.groups if isinstance(group.first, MetricChanged)}
