"""Memory that moved though the work is the same: what is alive at the peak that was not, or no longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_torchgraph.diff.change import Difference, MetricChanged
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.finding import Finding

QUIET = frozenset({"order", "backend", "name", "bookkeeping", "memory"})
LONGER = "values are kept alive longer (a list, a cache, a hook, a variable that is still in scope)"


SAVES = "autograd saves values where it saved none; was torch.no_grad() or requires_grad_(False) dropped?"


def with_the_same_ops(found: list[Finding], difference: Difference) -> list[Finding]:
    """Memory that moves alone is the finding that no count shows: its title says so."""
    if any(finding.kind not in QUIET for finding in found):
        return found
    return [_told(each, found, difference) if each.kind == "memory" else each for each in found]


def _told(finding: Finding, found: Sequence[Finding], difference: Difference) -> Finding:
    title = f"{finding.title} with the same ops"
    if finding.cause:
        return replace(finding, title=title)
    moved = {name for each in found for name in _metrics(each)}
    if moved != {"peak"}:
        return replace(finding, title=title)
    if finding.direction == "more":
        cause = saved_at_peak(difference) or Cause("kept-alive", LONGER)
        return replace(finding, title=title, cause=cause.name, hint=cause.hint)
    return replace(finding, title=title, cause="released-sooner", hint="values are let go of sooner")


def saved_at_peak(difference: Difference) -> Cause | None:
    """What autograd saved makes the peak grow, in a run that no backward pass follows."""
    before, after = (
        sum(one.bytes for one in side if one.what.startswith("saved "))
        for side in (difference.alive_before, difference.alive_after)
    )
    moved = difference.metric("peak")
    if difference.metric("saved") != (None, None) or 2 * (after - before) < (moved[1] or 0) - (moved[0] or 0):
        return None
    return None if before else Cause("grad-in-evaluation", SAVES)


def _metrics(finding: Finding) -> set[str]:
    return {group.first.name for group in finding.groups if isinstance(group.first, MetricChanged)}
