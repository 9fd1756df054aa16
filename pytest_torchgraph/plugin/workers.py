"""What xdist's workers tell the controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_torchgraph.plugin.events import LEDGER

if TYPE_CHECKING:
    import pytest

KEY = "torchgraph"


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
