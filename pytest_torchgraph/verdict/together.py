"""Operations of several kinds that came and went in one module without a cause: one edit, told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pytest_torchgraph.canonical.program import Work
from pytest_torchgraph.diff.change import Added, Removed
from pytest_torchgraph.diff.grouping import NUMBER, phase_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.claim import Come, module_of
from pytest_torchgraph.verdict.finding import Direction, Finding
from pytest_torchgraph.words.counting import times

KINDS = 3
"""Kinds of operations of the forward pass from which on they are told together; of fewer, each is counted alone."""
NAMED = 3


def together(found: Iterable[Finding]) -> list[Finding]:
    """*found*, where what came and went in one module, and behind it in the backward pass, is one finding.

    Wrong where two edits of one module are of many kinds of operations each: both are told as one.
    """
    every = list(found)
    by_module: dict[str, list[Finding]] = {}
    for finding in every:
        module = _module(finding)
        if module is not None:
            by_module.setdefault(module, []).append(finding)
    merged = {id(each[0]): _merged(each) for each in by_module.values() if len(_forward_kinds(each)) >= KINDS}
    gone = {id(other) for each in by_module.values() if id(each[0]) in merged for other in each[1:]}
    return [merged.get(id(finding), finding) for finding in every if id(finding) not in gone]


def _forward_kinds(findings: list[Finding]) -> set[str]:
    changes = (change for finding in findings for change in _changes(finding))
    return {packet_of(change.site.name) for change in changes if phase_of(change) == FORWARD}


def _module(finding: Finding) -> str | None:
    """The module in which the operations of *finding* are, if they are all in one; their forward work decides."""
    if finding.kind != "operation" or finding.cause or finding.severity != "fail":
        return None
    changes = _changes(finding)
    if len(changes) != finding.size:
        return None
    forward = [change for change in changes if phase_of(change) == FORWARD]
    modules = {NUMBER.sub("*", module_of(change)) for change in forward or changes}
    return modules.pop() if len(modules) == 1 else None


def _changes(finding: Finding) -> list[Come]:
    """The operations that came and went in *finding*."""
    return [
        change
        for group in finding.groups
        for change in group.changes
        if isinstance(change, (Added, Removed)) and isinstance(change.site.item, Work)
    ]


def _merged(findings: list[Finding]) -> Finding:
    changes = [change for finding in findings for change in _changes(finding)]
    more = Counter(packet_of(change.site.name) for change in changes if isinstance(change, Added))
    fewer = Counter(packet_of(change.site.name) for change in changes if isinstance(change, Removed))
    direction: Direction = "other" if more and fewer else "more" if more else "fewer"
    return Finding(
        kind="operation",
        severity="fail",
        title=_title(more, fewer, _forward_kinds(findings)),
        groups=tuple(group for finding in findings for group in finding.groups),
        direction=direction,
        cost=_moved([finding.cost for finding in findings], findings),
        flops=_moved([finding.flops for finding in findings], findings),
    )


def _moved(amounts: list[int], findings: list[Finding]) -> int:
    """How far *amounts* of *findings* move together."""
    pairs = zip(amounts, findings, strict=True)
    return abs(sum(-amount if finding.direction == "fewer" else amount for amount, finding in pairs))


def _title(more: Counter[str], fewer: Counter[str], forward: set[str]) -> str:
    """``7 operations more and 2 fewer: +3 aten.sum, +2 aten.add, -2 aten.div, 2 others``, what is *forward* first."""
    sums = [f"{times(more.total(), 'operation')} more"] if more else []
    sums += [f"{fewer.total()} fewer" if more else f"{times(fewer.total(), 'operation')} fewer"] if fewer else []
    kinds = [*more.items(), *((name, -count) for name, count in fewer.items())]
    kinds.sort(key=lambda one: (one[0] not in forward, -abs(one[1])))
    named = [f"{count:+d} {name}" for name, count in kinds[:NAMED]]
    rest = sum(abs(count) for _, count in kinds[NAMED:])
    return f"{' and '.join(sums)}: {', '.join([*named, *([times(rest, 'other')] if rest else [])])}"
