"""Judge a difference: what fails, what is a note, what is a win; and what matters most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal, TypeAlias

from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    Change,
    Difference,
    Field,
    LeafChanged,
    MetricChanged,
    Moved,
    Removed,
    packet_of,
)
from pytest_torchgraph.diff.grouping import Group, grouped
from pytest_torchgraph.diff.walk import LOOKS
from pytest_torchgraph.graph.metric import HELD_METRICS
from pytest_torchgraph.graph.program import Work
from pytest_torchgraph.verdict.cause import hint_for, kept_alive
from pytest_torchgraph.verdict.edits import edits_of, fingerprint_of
from pytest_torchgraph.verdict.finding import Finding, Kind, Severity, Status, Verdict
from pytest_torchgraph.verdict.ignoring import Ignored, parse_ignore
from pytest_torchgraph.verdict.kind import kind_of
from pytest_torchgraph.verdict.quantity import Tolerance, parse_tolerance, working_bytes
from pytest_torchgraph.verdict.title import direction_of, follow_text, title_of

Compare: TypeAlias = Literal["graph", "counts", "budget"]
COMPARE: tuple[Compare, ...] = ("graph", "counts", "budget")
DEFAULT_TOLERANCE = "1%"
RANK: tuple[Kind, ...] = (
    "run",
    "input",
    "state",
    "attention",
    "sync",
    "cast",
    "copy",
    "scope",
    "operation",
    "argument",
    "look",
    "output",
    "order",
    "memory",
    "count",
    "follow",
    "backend",
    "name",
    "bookkeeping",
)
"""What is told first: what explains the rest, then what costs most on an accelerator."""
NOTES = frozenset({"order", "backend", "name", "bookkeeping"})
SAVINGS = frozenset({"copy", "cast", "sync"})
DRIVEN = frozenset({"follow", "look", "argument", "cast", "output"})
"""Kinds that other inputs may bring with them."""


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
    findings = _ranked(_findings(kept, difference, same_backend=same_backend))
    if compare == "counts":
        findings = tuple(replace(each, severity="note") if each.kind == "run" else each for each in findings)
    return _verdict(findings, difference)


def _verdict(findings: tuple[Finding, ...], difference: Difference) -> Verdict:
    failing = [finding for finding in findings if finding.severity == "fail"]
    if not failing:
        return Verdict(status="note" if findings else "same", findings=findings)
    status: Status = "improved" if _only_fewer(failing, difference) else "drift"
    return Verdict(status=status, findings=findings, fingerprint=fingerprint_of(edits_of(findings)))


def _only_fewer(failing: Iterable[Finding], difference: Difference) -> bool:
    """Whether the same modules make the same of the same parameters, with less on the way."""
    grown = any((after or 0) > (before or 0) for before, after in map(difference.metric, _metric_names(difference)))
    held = any(before != after for before, after in map(difference.metric, HELD_METRICS))
    changes = [change for each in failing if each.kind != "follow" for group in each.groups for change in group.changes]
    return not grown and not held and bool(changes) and all(map(_is_saving, changes))


def _is_saving(change: Change) -> bool:
    """Whether *change* takes away a copy, a cast, a sync or what nothing read, or is a metric that fell."""
    match change:
        case Removed(site, _, used):
            is_work = isinstance(site.item, Work) and not site.item.becomes
            return is_work and (kind_of(change) in SAVINGS or not used)
        case MetricChanged():
            return _metric_direction(change) == "fewer"
        case _:
            return False


def _metric_names(difference: Difference) -> set[str]:
    return {name for name, _ in (*difference.metrics_before, *difference.metrics_after)}


def _compared(
    changes: list[Change], difference: Difference, compare: Compare, allowed: Tolerance, ignored: Ignored
) -> Iterator[Change]:
    """The changes that are looked at, metrics within their tolerance left out."""
    has_sync = any(kind_of(change) == "sync" for change in changes if not isinstance(change, MetricChanged))
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
    explained = has_sync if change.name == "syncs" else any(map(_is_work, difference.changes))
    return compare == "graph" and explained


def _is_work(change: Change) -> bool:
    return isinstance(change, (Added, Removed, Altered))


SHARES: dict[str, frozenset[Kind]] = {
    "copies": frozenset({"copy"}),
    "casts": frozenset({"cast"}),
    "syncs": frozenset({"sync"}),
}


def _ignored_share(metric: str, difference: Difference, ignored: Ignored) -> int:
    """How much of a count's change ignored operations explain."""
    total = 0
    for change in difference.changes:
        if isinstance(change, (Added, Removed)) and ignored.covers(change):
            if metric not in SHARES:
                total += change.operations if isinstance(change, Added) else -change.operations
            elif kind_of(change) in SHARES[metric]:
                total += 1 if isinstance(change, Added) else -1
    return total


def _findings(changes: list[Change], difference: Difference, *, same_backend: bool) -> list[Finding]:
    buckets: dict[tuple[object, ...], list[Group]] = {}
    for group in grouped(changes):
        buckets.setdefault(_bucket(group.first), []).append(group)
    found = [_finding(groups, difference, same_backend=same_backend) for groups in buckets.values()]
    return _with_the_same_ops(_driven_by_inputs(found))


def _bucket(change: Change) -> tuple[object, ...]:
    """Changes with equal keys are told in one finding."""
    kind = kind_of(change)
    match change:
        case Added(site) | Removed(site):
            names = (packet_of(site.name),) if kind != "scope" else (getattr(site.item, "class_name", ""),)
            return (kind, "count", *names)
        case Altered(before, after, fields) if kind not in ("follow", "attention", "backend"):
            return (kind, before.name, after.name, tuple((field.kind, field.name) for field in fields))
        case MetricChanged(name):
            return (kind, name)
        case Moved(writes=writes):
            return (kind, writes)
        case LeafChanged():
            return (kind,)
        case _:
            return (kind, type(change).__name__)


def _finding(groups: list[Group], difference: Difference, *, same_backend: bool) -> Finding:
    first = groups[0].first
    kind = kind_of(first)
    finding = Finding(
        kind=kind,
        severity=_severity(kind, first, same_backend=same_backend),
        title=title_of(kind, groups, difference),
        groups=tuple(groups),
        direction=_metric_direction(first) if isinstance(first, MetricChanged) else direction_of(groups),
    )
    return replace(finding, hint=hint_for(finding))


def _severity(kind: Kind, change: Change, *, same_backend: bool) -> Severity:
    if kind == "order" and isinstance(change, Moved) and change.writes:
        return "fail"
    if kind == "backend" and same_backend:
        return "fail"
    return "note" if kind in NOTES else "fail"


def _metric_direction(change: MetricChanged) -> Literal["more", "fewer"]:
    return "more" if (change.after or 0) > (change.before or 0) else "fewer"


def _driven_by_inputs(found: list[Finding]) -> list[Finding]:
    """When inputs changed and nothing else but looks did, one finding says so once."""
    inputs = [finding for finding in found if finding.kind == "input" and finding.direction == "other"]
    driven = [finding for finding in found if finding.kind in DRIVEN and _handed_on(finding)]
    work = [finding for finding in found if finding.kind not in NOTES | {"input", "memory", "count"}]
    if not inputs or len(driven) != len(work) or not driven:
        return found
    count = sum(finding.size for finding in driven if finding.kind != "output")
    fields = {field.kind for each in (*inputs, *driven) for field in _fields(each)}
    what = "shape-only change" if not fields & {"dtype", "device", "layout"} else "input-only change"
    first = inputs[0]
    told = replace(
        first,
        title=f"{what}: {first.title.removeprefix('input ')}; {follow_text(count)}, the work is the same",
        groups=tuple(group for finding in (*inputs, *driven) for group in finding.groups),
    )
    return [told, *(finding for finding in found if finding not in inputs and finding not in driven)]


def _with_the_same_ops(found: list[Finding]) -> list[Finding]:
    """Memory that moves alone is the finding that no count shows: its title says so."""
    if any(finding.kind not in NOTES | {"memory"} for finding in found):
        return found
    hint = kept_alive(found)
    return [
        replace(each, title=f"{each.title} with the same ops", hint=each.hint or hint)
        if each.kind == "memory"
        else each
        for each in found
    ]


def _fields(finding: Finding) -> Iterator[Field]:
    for group in finding.groups:
        for change in group.changes:
            if isinstance(change, Altered):
                yield from change.fields


def _handed_on(finding: Finding) -> bool:
    """Whether *finding* could come from other inputs alone: looks, and whole numbers among arguments."""
    return all(
        field.kind in LOOKS or (field.kind == "argument" and _sizes(field.before) and _sizes(field.after))
        for field in _fields(finding)
    )


def _sizes(value: object) -> bool:
    return type(value) is int or (isinstance(value, tuple) and all(map(_sizes, value)))


def _ranked(findings: list[Finding]) -> tuple[Finding, ...]:
    """Those that fail first, then by kind, then by how often."""
    return tuple(sorted(findings, key=lambda each: (each.severity != "fail", _rank(each), -each.size)))


def _rank(finding: Finding) -> int:
    """An input that came or went matters less than what the model does with it."""
    came_or_went = finding.kind == "input" and finding.direction != "other"
    return RANK.index("scope" if came_or_went else finding.kind)
