"""Judge a difference: what fails, what is a note, what is a win; and what matters most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal, TypeAlias

from pytest_torchgraph.canonical.metric import COMPILE_METRICS, HELD_METRICS, TOTALS
from pytest_torchgraph.canonical.program import Work
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    BreakChanged,
    Change,
    Difference,
    LoopChanged,
    MetricChanged,
    RecompileChanged,
    Removed,
)
from pytest_torchgraph.recorded.kinds import GROUPS
from pytest_torchgraph.verdict.edits import edits_of, fingerprint_of
from pytest_torchgraph.verdict.finding import Finding, Verdict
from pytest_torchgraph.verdict.findings import findings_of, metric_direction
from pytest_torchgraph.verdict.ignoring import Ignored, parse_ignore
from pytest_torchgraph.verdict.kind import is_in_group, kind_of, syncs_in
from pytest_torchgraph.verdict.quantity import Tolerance, bytes_text, parse_tolerance, working_bytes
from pytest_torchgraph.words.status import Judged

Compare: TypeAlias = Literal["graph", "counts", "budget"]
COMPARE: tuple[Compare, ...] = ("graph", "counts", "budget")
DEFAULT_TOLERANCE = "1%"
SAVINGS = frozenset({"copy", "cast", "sync"})
LOSSES = frozenset({"gradient-lost"})
"""Causes that are no win, though they take nothing but work away."""
SAVING = frozenset({"repeat-removed", "unused-removed", "checkpointing-early-stop"})
"""Causes whose changes only take away, whatever read what is gone."""


def judge(
    difference: Difference,
    *,
    compare: Compare = "graph",
    tolerance: object = DEFAULT_TOLERANCE,
    ignore: str | Iterable[str] = (),
    same_backend: bool = False,
) -> Verdict:
    """What *difference* amounts to.

    ``compare="counts"`` keeps the metrics only, ``"budget"`` nothing. *tolerance* bounds how far the peak may move, a
    percentage being taken of what lies above parameters and buffers. *ignore* names operations, scopes or metrics.
    *same_backend* says that device, architecture and torch minor are those of the recording, so that the operations
    beneath API calls fail too.
    """
    if compare not in COMPARE:
        raise ValueError(f"compare={compare!r}: expected one of {', '.join(map(repr, COMPARE))}.")
    allowed = parse_tolerance(DEFAULT_TOLERANCE if tolerance is None else tolerance)
    ignored = parse_ignore(ignore, difference)
    if compare == "budget":
        return Verdict(status="same")
    changes = [change for change in difference.changes if not ignored.covers(change)]
    kept = list(_compared(changes, difference, compare, allowed, ignored))
    findings = findings_of(kept, difference, same_backend=same_backend)
    findings = tuple(_with_its_bound(each, difference, allowed) for each in findings)
    if compare == "counts":
        findings = tuple(replace(each, severity="note") if each.kind == "run" else each for each in findings)
    return _verdict(findings, difference)


def _with_its_bound(finding: Finding, difference: Difference, allowed: Tolerance) -> Finding:
    """Of a peak that moved by less than the tolerance as it is shown, what the tolerance is taken of."""
    before, after = difference.metric("peak")
    told = {getattr(group.first, "name", "") for group in finding.groups}
    if finding.kind != "memory" or told != {"peak"} or before is None or after is None:
        return finding
    if abs(after - before) > allowed.allowed(before):
        return finding
    above = bytes_text(working_bytes(difference)[0])
    bound = f", beyond {allowed} of the {above} above parameters and buffers"
    return replace(finding, title=finding.title + bound)


def _verdict(findings: tuple[Finding, ...], difference: Difference) -> Verdict:
    failing = [finding for finding in findings if finding.severity == "fail"]
    if not failing:
        return Verdict(status="note" if findings else "same", findings=findings)
    status: Judged = "improved" if _only_fewer(failing, difference) else "drift"
    return Verdict(status=status, findings=findings, fingerprint=fingerprint_of(edits_of(findings)))


def _only_fewer(failing: Iterable[Finding], difference: Difference) -> bool:
    """Whether the same modules make the same of the same parameters, with less on the way."""
    grown = any((after or 0) > (before or 0) for before, after in map(difference.metric, _metric_names(difference)))
    held = any(before != after for before, after in map(difference.metric, HELD_METRICS))
    told = [each for each in failing if each.kind != "follow"]
    return not grown and not held and bool(told) and all(map(_saves, told))


def _saves(finding: Finding) -> bool:
    changes = (change for group in finding.groups for change in group.changes)
    if finding.cause in LOSSES:
        return False
    return finding.cause in SAVING or all(map(_is_saving, changes))


def _is_saving(change: Change) -> bool:
    """Whether *change* takes away a copy, a cast, a sync or what nothing read, or is a metric that fell."""
    match change:
        case Removed(site, used=used):
            is_work = isinstance(site.item, Work) and not site.item.becomes
            return is_work and (kind_of(change) in SAVINGS or not used)
        case MetricChanged():
            return metric_direction(change) == "fewer"
        case BreakChanged(after=None) | RecompileChanged(after=None):
            return True
        case _:
            return False


def _metric_names(difference: Difference) -> set[str]:
    return {name for name, _ in (*difference.metrics_before, *difference.metrics_after)}


def _compared(
    changes: list[Change], difference: Difference, compare: Compare, allowed: Tolerance, ignored: Ignored
) -> Iterator[Change]:
    """The changes that are looked at, metrics within their tolerance left out."""
    has_sync = any(map(_syncs, changes))
    for change in changes:
        if isinstance(change, MetricChanged):
            if not _tolerated(change, difference, compare, allowed, ignored, has_sync=has_sync):
                yield change
        elif compare == "graph" or kind_of(change) == "run":
            yield change


def _tolerated(
    change: MetricChanged,
    difference: Difference,
    compare: Compare,
    allowed: Tolerance,
    ignored: Ignored,
    *,
    has_sync: bool,
) -> bool:
    before, after = change.before, change.after
    if change.name == "saved" and before is not None and after is not None:
        return abs(after - before) <= allowed.allowed(before)
    if change.name == "peak" and before is not None and after is not None:
        above = working_bytes(difference)
        return abs(above[1] - above[0]) <= allowed.allowed(above[0])
    if change.name in HELD_METRICS or before is None or after is None:
        return False
    if after - before == _ignored_share(change.name, difference, ignored):
        return True
    if change.name in COMPILE_METRICS:
        return compare == "graph" and any(map(_is_compiled, difference.changes))
    explained = has_sync if change.name == "syncs" else any(map(_is_work, difference.changes))
    return compare == "graph" and explained


def _syncs(change: Change) -> bool:
    """Whether a sync came or went, alone or in a module, or a loop is done more or less often."""
    if isinstance(change, LoopChanged):
        return True
    if isinstance(change, Altered):
        return syncs_in(change.before.item) or syncs_in(change.after.item)
    return isinstance(change, (Added, Removed)) and syncs_in(change.site.item)


def _is_compiled(change: Change) -> bool:
    return isinstance(change, (BreakChanged, RecompileChanged))


def _is_work(change: Change) -> bool:
    return isinstance(change, (Added, Removed, Altered))


def _ignored_share(metric: str, difference: Difference, ignored: Ignored) -> int:
    """How much of a count's change ignored operations explain."""
    changes = [each for each in difference.changes if isinstance(each, (Added, Removed)) and ignored.covers(each)]
    return sum(_counted_in(metric, each) * (1 if isinstance(each, Added) else -1) for each in changes)


def _counted_in(metric: str, change: Added | Removed) -> int:
    """How many operations of what came or went are counted under *metric*."""
    if metric in TOTALS:
        return change.operations
    return int(metric in GROUPS and not change.site.beneath and is_in_group(metric, change.site))
