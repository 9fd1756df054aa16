"""What the session is told while tests run: how each ended, and what xdist's workers saw of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_torchgraph.plugin.session.events import LEDGER, Ledger, unpack

if TYPE_CHECKING:
    import pytest

KEY = "torchgraph"


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


def is_worker(config: pytest.Config) -> bool:
    """Whether this process runs tests for a controller."""
    return hasattr(config, "workeroutput")


def publish(config: Any) -> None:
    """Send what this worker collected; reports carry everything else."""
    collection = config.stash[LEDGER].collection
    collection.settle()
    config.workeroutput[KEY] = collection.plain()


def receive(node: Any, error: object) -> None:
    """Take over what a worker collected; a worker that crashed leaves the session incomplete."""
    ledger = node.config.stash[LEDGER]
    output = getattr(node, "workeroutput", None) or {}
    if error is not None or KEY not in output:
        ledger.workers_lost = True
        return
    ledger.collection.merge(output[KEY])
