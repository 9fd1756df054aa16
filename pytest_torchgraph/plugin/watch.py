"""Follows a session's reports: how tests ended, and what their checks did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_torchgraph.plugin.events import Ledger, unpack

if TYPE_CHECKING:
    import pytest


class Watch:
    """Fills a ledger; registered as a plugin, because pytest's report hooks do not pass the config."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the last run of each test."""
        packed: dict[str, Any] | None = getattr(report, "torchgraph", None)
        if packed is None:
            self._ledger.outcomes.setdefault(report.nodeid, report.outcome)
            return
        test, events = unpack(packed)
        self._ledger.note(test, report.outcome, events, packed["run"])
