"""Changes gathered into findings: what one cause explains first, then what is of one kind; and what matters most."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from pytest_torchgraph.canonical.metric import BYTE_METRICS
from pytest_torchgraph.canonical.program import (
    Given,
    Item,
    ModuleCall,
    ParameterLoop,
    PhaseBlock,
    RecomputedCall,
    Semantic,
    Work,
)
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    Change,
    Difference,
    Field,
    MetricChanged,
    Moved,
    Removed,
    Renamed,
    Site,
)
from pytest_torchgraph.diff.grouping import Group, grouped
from pytest_torchgraph.diff.walk import LOOKS
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.verdict.causes.claim import Claim, written
from pytest_torchgraph.verdict.causes.memory import explained
from pytest_torchgraph.verdict.causes.single import cause_of
from pytest_torchgraph.verdict.causes.table import claims
from pytest_torchgraph.verdict.finding import Direction, Finding, Kind, Severity
from pytest_torchgraph.verdict.kind import kind_of
from pytest_torchgraph.verdict.ranking import ranked
from pytest_torchgraph.verdict.title import balance, direction_of, follow_text, input_text, title_of
from pytest_torchgraph.verdict.together import together
from pytest_torchgraph.words.closed import assert_never

NOTES = frozenset({"order", "backend", "name", "spelling", "bookkeeping"})
DRIVEN = frozenset({"follow", "look", "argument", "cast", "output"})
"""Kinds that other inputs may bring with them."""


def findings_of(changes: list[Change], difference: Difference, *, same_backend: bool) -> tuple[Finding, ...]:
    """What to tell of *changes*, ranked: those that fail first, then by tier, then by bytes and number."""
    claimed, rest = claims(changes, difference, same_backend=same_backend)
    found = [_claimed(claim, same_backend=same_backend) for claim in claimed]
    buckets: dict[tuple[object, ...], list[Group]] = {}
    for group in grouped(rest):
        buckets.setdefault(_bucket(group.first), []).append(group)
    found += [_finding(groups, difference, same_backend=same_backend) for groups in buckets.values()]
    told = explained(_driven_by_inputs(together(found)), difference)
    before, after = difference.metric("peak")
    return ranked(told, (before or 0, after or 0))


def _claimed(claim: Claim, *, same_backend: bool) -> Finding:
    return Finding(
        kind=claim.kind,
        severity="note" if (claim.beneath and not same_backend) or claim.idle else "fail",
        title=claim.title,
        groups=grouped(claim.changes),
        direction=claim.direction,
        cause=claim.cause.name,
        hint=claim.cause.hint,
        cost=cost_of(claim.changes),
        flops=flops_of(claim.changes),
    )


def _bucket(change: Change) -> tuple[object, ...]:
    """Changes with equal keys are told in one finding."""
    kind = kind_of(change)
    match change:
        case Added(site) | Removed(site):
            return (kind, "count", *_called(site.item))
        case Altered(before, after, fields, follows):
            together = kind in ("follow", "attention", "backend")
            fields_told = tuple((field.kind, field.name) for field in fields)
            if kind == "spelling":
                return (kind, fields_told)
            return (kind, follows) if together else (kind, before.name, after.name, fields_told)
        case MetricChanged(name):
            return (kind, name)
        case Renamed():
            return (kind,)
        case _:
            return (kind, type(change).__name__, change.writes if isinstance(change, Moved) else None)


def _called(item: Item) -> tuple[str, ...]:
    match item:
        case ModuleCall() | RecomputedCall():
            return item.class_name, ""
        case PhaseBlock():
            return item.class_name, item.name
        case ParameterLoop():
            return "", "parameters"
        case Work() | Semantic() | Given():
            return (packet_of(item.name),)
        case _:
            assert_never(item)


def _finding(groups: list[Group], difference: Difference, *, same_backend: bool) -> Finding:
    first = groups[0].first
    kind = kind_of(first)
    changes = [change for group in groups for change in group.changes]
    finding = Finding(
        kind=kind,
        severity=_severity(kind, first, same_backend=same_backend),
        title=title_of(kind, groups, difference),
        groups=_telling_first(groups),
        direction=metric_direction(first) if isinstance(first, MetricChanged) else direction_of(groups),
        cost=cost_of(changes),
        flops=flops_of(changes),
    )
    cause = cause_of(finding, difference)
    return replace(finding, cause=cause.name, hint=cause.hint) if cause else finding


def _telling_first(groups: list[Group]) -> tuple[Group, ...]:
    """*groups*, what came before what went where more came, and the other way round where less did."""
    net = balance(groups)
    if not net or direction_of(groups) != "other":
        return tuple(groups)
    leading = Added if net > 0 else Removed
    return tuple(sorted(groups, key=lambda group: not isinstance(group.first, leading)))


def _severity(kind: Kind, change: Change, *, same_backend: bool) -> Severity:
    if kind == "order" and isinstance(change, Moved) and change.writes:
        return "fail"
    if kind == "backend" and same_backend and not (isinstance(change, Altered) and change.follows):
        return "fail"
    return "note" if kind in NOTES else "fail"


def metric_direction(change: MetricChanged) -> Direction:
    """Whether the metric grew or fell."""
    return "more" if (change.after or 0) > (change.before or 0) else "fewer"


def cost_of(changes: Sequence[Change]) -> int:
    """Bytes written by what came, less those of what went; its size, whichever it is."""
    metrics = [change for change in changes if isinstance(change, MetricChanged) and change.name in BYTE_METRICS]
    moved = sum((metric.after or 0) - (metric.before or 0) for metric in metrics)
    return abs(moved + _more_of(changes, lambda site: written(site.item)))


def flops_of(changes: Iterable[Change]) -> int:
    """FLOPs of what came, less those of what went; how many, whichever it is."""
    return abs(_more_of(changes, lambda site: site.flops))


def _more_of(changes: Iterable[Change], amount: Callable[[Site], int]) -> int:
    """How much more there is at the sites of *changes* after than before."""
    total = 0
    for change in changes:
        if isinstance(change, Added):
            total += amount(change.site)
        elif isinstance(change, Removed):
            total -= amount(change.site)
        elif isinstance(change, Altered):
            total += amount(change.after) - amount(change.before)
    return total


def _driven_by_inputs(found: list[Finding]) -> list[Finding]:
    """When inputs changed and nothing else but looks did, one finding says so once."""
    inputs = [finding for finding in found if finding.kind == "input" and finding.direction == "other"]
    driven = [finding for finding in found if finding.kind in DRIVEN and _handed_on(finding)]
    work = [finding for finding in found if finding.kind not in NOTES | {"input", "memory", "count"}]
    if not inputs or len(driven) != len(work) or not driven:
        return found
    count = sum(finding.size for finding in driven if finding.kind != "output")
    fields = {field.kind for each in (*inputs, *driven) for field in _fields(each)}
    only_sizes = not fields & {"dtype", "device", "layout"}
    what = "shape-only change" if only_sizes else "input-only change"
    first = inputs[0]
    beneath = [finding for finding in found if finding.kind == "backend" and _handed_on(finding)]
    merged = [*inputs, *driven, *beneath]
    told = replace(
        first,
        title=f"{what}: {_input_told(first)}; {follow_text(count)}, the work is the same",
        groups=tuple(group for finding in merged for group in finding.groups),
        cause="other-sizes" if only_sizes else "other-inputs",
    )
    return [told, *(finding for finding in found if finding not in merged)]


def _input_told(finding: Finding) -> str:
    """``%x: f32[2,16] -> f32[4,16]``: the input that the finding tells of first."""
    change = finding.groups[0].first
    match change:
        case Altered(after=Site(item=Given(name=name))):
            return f"%{name}: {input_text(change)}"
        case _:
            return finding.title


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
