"""Memory that moved though the work is the same: what is alive at the peak that was not, or no longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_torchgraph.canonical.metric import HELD_METRICS
from pytest_torchgraph.diff.change import Difference, MetricChanged
from pytest_torchgraph.verdict.finding import Finding

QUIET = frozenset({"order", "backend", "name", "spelling", "bookkeeping", "memory"})
UNREAD = "the model holds them, but no operation of this run reads them"
RELEASED = "the model held them, but no operation of this run read them"
LONGER = "values are kept alive longer (a list, a cache, a hook, a variable that is still in scope)"

KEPT = {
    "saved-more": "autograd keeps values that it did not, of the same work; was torch.no_grad(), .detach() or "
    "requires_grad_(False) dropped?",
    "saved-less": "autograd keeps fewer values, of the same work; if this part is to be trained: has a .detach(), "
    "torch.no_grad() or requires_grad_(False) appeared?",
}
"""What the same forward work that is differentiated more or less is likely to come from."""


def with_the_same_ops(found: list[Finding], difference: Difference) -> list[Finding]:
    """Memory that moves alone is the finding that no count shows: its title says so."""
    before, after = difference.metric("ops")
    if before != after or any(finding.kind not in QUIET for finding in found):
        return found
    return [_told(each, found, difference) if each.kind == "memory" else each for each in found]


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
    if finding.direction == "more":
        return replace(finding, title=title, cause="kept-alive", hint=LONGER)
    return replace(finding, title=title, cause="released-sooner", hint="values are let go of sooner")


def _is_of_values(difference: Difference) -> bool:
    """Whether most of what the peak moved by is neither held by the model nor kept for training."""
    before, after = difference.metric("peak")
    moved = (after or 0) - (before or 0)
    held = sum((after or 0) - (before or 0) for before, after in map(difference.metric, HELD_METRICS))
    return moved != 0 and (moved - held) / moved > MOST


MOST = 0.5


def _metrics(finding: Finding) -> set[str]:
    return {group.first.name for group in finding.groups if isinstance(group.first, MetricChanged)}
