"""A verdict as what a reviewer accepts or rejects: one entry for each edit, whatever follows from it left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from pytest_torchgraph.diff.change import Change
from pytest_torchgraph.diff.fingerprint import fingerprint
from pytest_torchgraph.diff.grouping import Group
from pytest_torchgraph.verdict.finding import Finding, Kind
from pytest_torchgraph.verdict.kind import kind_of

CONSEQUENCES: frozenset[Kind] = frozenset({"follow", "output", "memory", "count"})
"""Kinds that other edits bring with them; edits of their own where nothing else fails."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit wherever a graph has it: its fingerprint, the finding that tells of it, and the changes behind it.

    ``whole`` says that the edit is all that the finding tells: several changes that one cause explains.
    """

    fingerprint: str
    finding: Finding
    groups: tuple[Group, ...]
    whole: bool = False


def edits_of(findings: Iterable[Finding]) -> tuple[Edit, ...]:
    """The edits behind the *findings* that fail, in the order of the findings."""
    failing = [finding for finding in findings if finding.severity == "fail"]
    causes = [edit for each in failing if each.kind not in CONSEQUENCES for edit in _edits(each)]
    told = causes or [_edit(finding, (group,)) for finding in failing for group in finding.groups]
    found: dict[str, Edit] = {}
    for edit in told:
        known = found.get(edit.fingerprint)
        found[edit.fingerprint] = replace(known, groups=(*known.groups, *edit.groups)) if known else edit
    return tuple(found.values())


def _edits(finding: Finding) -> Iterator[Edit]:
    """One edit for each group; a cause that explains changes of several kinds is one edit.

    What other inputs brought with them is told with the inputs, and is no edit of its own.
    """
    own = [group for group in finding.groups if kind_of(group.first) == finding.kind]
    if finding.kind == "input" or len(own) == len(finding.groups):
        yield from (_edit(finding, (group,)) for group in own)
    else:
        yield _edit(finding, finding.groups, whole=True)


def _edit(finding: Finding, groups: tuple[Group, ...], *, whole: bool = False) -> Edit:
    return Edit(fingerprint(group.first for group in groups), finding, groups, whole)


def fingerprint_of(edits: Iterable[Edit]) -> str:
    """The fingerprint of a whole drift; empty without edits."""
    changes: list[Change] = [group.first for edit in edits for group in edit.groups]
    return fingerprint(changes) if changes else ""
