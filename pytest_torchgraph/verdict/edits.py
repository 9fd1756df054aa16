"""A verdict as what a reviewer accepts or rejects: one entry for each edit, whatever follows from it left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_torchgraph.diff.change import Change
from pytest_torchgraph.diff.fingerprint import fingerprint
from pytest_torchgraph.diff.grouping import Group
from pytest_torchgraph.verdict.finding import Finding, Kind
from pytest_torchgraph.verdict.kind import kind_of

CONSEQUENCES: frozenset[Kind] = frozenset({"follow", "output", "memory", "count"})
"""Kinds that other edits bring with them; edits of their own where nothing else fails."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit wherever a graph has it: its fingerprint, the finding that tells of it, and its places."""

    fingerprint: str
    finding: Finding
    groups: tuple[Group, ...]


def edits_of(findings: Iterable[Finding]) -> tuple[Edit, ...]:
    """The edits behind the *findings* that fail, in the order of the findings."""
    failing = [finding for finding in findings if finding.severity == "fail"]
    own = [pair for each in failing for pair in _own(each)]
    told = own or [(each, group) for each in failing for group in each.groups]
    found: dict[str, tuple[Finding, list[Group]]] = {}
    for finding, group in told:
        found.setdefault(fingerprint((group.first,)), (finding, []))[1].append(group)
    return tuple(Edit(known, first, tuple(groups)) for known, (first, groups) in found.items())


def _own(finding: Finding) -> Iterator[tuple[Finding, Group]]:
    """The groups that *finding* is about; one that says what other inputs brought with them is about the inputs."""
    if finding.kind not in CONSEQUENCES:
        yield from ((finding, group) for group in finding.groups if kind_of(group.first) == finding.kind)


def fingerprint_of(edits: Iterable[Edit]) -> str:
    """The fingerprint of a whole drift; empty without edits."""
    changes: list[Change] = [edit.groups[0].first for edit in edits]
    return fingerprint(changes) if changes else ""
