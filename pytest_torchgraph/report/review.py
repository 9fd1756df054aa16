"""A comparison as what waits for review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_torchgraph.report.brief import row_text
from pytest_torchgraph.report.drift import Sources, cost_text, places_of
from pytest_torchgraph.report.outline import hint_text
from pytest_torchgraph.snapshot.pending import Pending, WaitingChange, digest
from pytest_torchgraph.verdict.edits import Edit, edits_of
from pytest_torchgraph.words.printable import printable

if TYPE_CHECKING:
    from pytest_torchgraph.verdict.compared import Compared


def waiting(compared: Compared, *, test: str, before: bytes, text: str) -> Pending:
    """What *test* would record as *text* in the place of the file with the bytes *before*."""
    verdict = compared.verdict
    sources = Sources(compared)
    return Pending(
        test=test,
        before=digest(before),
        changes=tuple(_change(edit, sources) for edit in edits_of(verdict.findings)),
        environment=tuple(map(printable, compared.environment)),
        cost=printable(cost_text(compared)),
        text=text,
    )


def _change(edit: Edit, sources: Sources) -> WaitingChange:
    rows = (row_text(row).strip() for finding in edit.findings for row in places_of(finding, sources))
    return WaitingChange(
        fingerprint=edit.fingerprint,
        title=printable(edit.finding.title),
        places=tuple(dict.fromkeys(map(printable, filter(None, rows)))),
        hint=printable(hint_text(edit.finding.hint, edit.finding.cause)),
    )
