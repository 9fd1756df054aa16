"""Follows a session's reports: which files were collected, how tests ended, what their checks did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_torchgraph.plugin.events import Ledger, unpack

if TYPE_CHECKING:
    import pytest


class Watch:
    """Fills a ledger; registered as a plugin, because pytest's report hooks do not pass the config."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file counts as collected when it and every class in it were."""
        module, _, inner = report.nodeid.partition("::")
        if report.outcome != "passed":
            self._ledger.faulty_modules.add(module)
        elif not inner:
            self._ledger.clean_modules.add(module)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the last run of each test: a rerun starts over with its setup."""
        test, events = unpack(getattr(report, "torchgraph", {"test": report.nodeid, "events": []}))
        if report.when == "setup":
            self._ledger.events[test] = []
            self._ledger.outcomes[test] = report.outcome
        elif report.outcome != "passed":
            self._ledger.outcomes[test] = report.outcome
        if events:
            self._ledger.events[test].extend(events)
