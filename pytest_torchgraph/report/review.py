"""A comparison as what waits for review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_torchgraph.report.drift import place_text, sources_text
from pytest_torchgraph.report.spelling import group_text
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.snapshot.pending import Pending, WaitingChange, digest
from pytest_torchgraph.verdict.edits import Edit, edits_of

if TYPE_CHECKING:
    from pytest_torchgraph.report.comparison import Comparison


def waiting(comparison: Comparison, *, test: str, before: bytes, text: str) -> Pending:
    """What *test* would record as *text* in the place of the file with the bytes *before*."""
    verdict = comparison.verdict
    return Pending(
        test=test,
        before=digest(before),
        drift=verdict.fingerprint,
        headline=verdict.headline,
        changes=tuple(_change(edit, comparison) for edit in edits_of(verdict.findings)),
        environment=comparison.environment,
        report=render(comparison.outline(test)),
        text=text,
    )


def _change(edit: Edit, comparison: Comparison) -> WaitingChange:
    group = edit.groups[0]
    return WaitingChange(
        fingerprint=edit.fingerprint,
        title=edit.finding.title if edit.whole else group_text(group) or edit.finding.title,
        place=", ".join(dict.fromkeys(filter(None, map(place_text, edit.groups)))),
        source=sources_text(tuple(c for each in edit.groups for c in each.changes), comparison.source_of),
        hint=edit.finding.hint,
    )
