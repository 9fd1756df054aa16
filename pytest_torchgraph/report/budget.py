"""The outline of broken budgets: each with its value, its limit and the scopes that cost most."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_torchgraph.report.outline import Outline, Row, Section
from pytest_torchgraph.verdict.finding import Finding


def outline_of(findings: Sequence[Finding], *, test: str, environment: tuple[str, ...] = ()) -> Outline:
    """The report of budgets that a test broke; there is no command that accepts them."""
    sections = tuple(Section(finding.title, tuple(Row("", line) for line in finding.details)) for finding in findings)
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return Outline(
        status="budget",
        title=f"{test}: over budget: {findings[0].title}{more}",
        environment=environment,
        sections=sections,
    )
