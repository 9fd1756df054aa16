"""What a change costs in time, where both graphs were timed: medians of a run's operations, and never a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_torchgraph.verdict.quantity import seconds

if TYPE_CHECKING:
    from pytest_torchgraph.verdict.compared import Compared
    from pytest_torchgraph.verdict.finding import Finding


def time_texts(compared: Compared) -> Iterator[str]:
    """``operations took 1.2 ms -> 1.6 ms (+33.3%), 350 µs more in this change``: the first finding's."""
    if compared.times is None:
        return
    before, after = (sum(timing.seconds) for timing in compared.times)
    share = f" ({after / before - 1:+.1%})" if before else ""
    findings = compared.verdict.findings
    spent = compared.time_of(findings[0]) if findings else None
    moved = spent.after - spent.before if spent else 0.0
    part = f", {seconds(abs(moved))} {'more' if moved > 0 else 'less'} in this change" if moved else ""
    yield f"operations took {seconds(before)} -> {seconds(after)}{share}{part}"


def time_lines(compared: Compared, finding: Finding) -> Iterator[str]:
    """``took 100 µs -> 480 µs``: what is behind *finding*."""
    spent = compared.time_of(finding)
    if spent is not None:
        yield f"took {seconds(spent.before)} -> {seconds(spent.after)}"
