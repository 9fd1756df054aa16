"""A verdict as what a reviewer accepts or rejects: one edit for each finding, whatever follows from others left out."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_torchgraph.diff.change import Change
from pytest_torchgraph.diff.fingerprint import fingerprint
from pytest_torchgraph.diff.grouping import Group
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.verdict.finding import Finding, Kind
from pytest_torchgraph.verdict.kind import kind_of

CONSEQUENCES: frozenset[Kind] = frozenset({"follow", "output", "memory", "count"})
"""Kinds that other edits bring with them; edits of their own where nothing else fails."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What a finding tells, wherever a graph has it.

    ``fingerprint`` names it, the same in every report; ``findings`` tell of it, more than one where they tell the same;
    ``groups`` are the changes that it is known by.
    """

    fingerprint: str
    findings: tuple[Finding, ...]
    groups: tuple[Group, ...]

    @property
    def finding(self) -> Finding:
        """The finding that stands for all."""
        return self.findings[0]


def edits_of(findings: Iterable[Finding]) -> tuple[Edit, ...]:
    """The edits behind the *findings* that fail, in the order of the findings."""
    failing = [finding for finding in findings if finding.severity == "fail"]
    causes = [finding for finding in failing if finding.kind not in CONSEQUENCES]
    found: dict[str, list[Finding]] = {}
    for finding in causes or failing:
        found.setdefault(fingerprint(group.first for group in _known_by(finding)), []).append(finding)
    return tuple(_edit(name, tuple(telling)) for name, telling in found.items())


def _edit(name: str, telling: tuple[Finding, ...]) -> Edit:
    return Edit(name, telling, tuple(group for finding in telling for group in _known_by(finding)))


def _known_by(finding: Finding) -> tuple[Group, ...]:
    """The changes that tell an edit from others: what other inputs brought with them does not."""
    if finding.kind != "input":
        return finding.groups
    return tuple(group for group in finding.groups if kind_of(group.first) == "input") or finding.groups


def fingerprint_of(edits: Iterable[Edit]) -> str:
    """The fingerprint of a whole drift; empty without edits."""
    changes: list[Change] = [group.first for edit in edits for group in edit.groups]
    return fingerprint(changes) if changes else ""
