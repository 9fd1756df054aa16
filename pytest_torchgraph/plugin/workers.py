"""What xdist's workers tell the controller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_torchgraph.plugin.events import LEDGER
from pytest_torchgraph.plugin.unused import note_collection

if TYPE_CHECKING:
    import pytest

KEY = "torchgraph"


def is_worker(config: pytest.Config) -> bool:
    """Whether this process runs tests for a controller."""
    return hasattr(config, "workeroutput")


def publish(config: Any) -> None:
    """Send what this worker collected; reports carry everything else."""
    ledger = config.stash[LEDGER]
    note_collection(config)
    config.workeroutput[KEY] = {
        "collected": sorted(ledger.collected),
        "clean_modules": sorted(ledger.clean_modules),
        "faulty_modules": sorted(ledger.faulty_modules),
    }


def receive(node: Any, error: object) -> None:
    """Take over what a worker collected; a worker that crashed leaves the session incomplete."""
    ledger = node.config.stash[LEDGER]
    output = getattr(node, "workeroutput", None) or {}
    if error is not None or KEY not in output:
        ledger.workers_lost = True
        return
    for name, found in output[KEY].items():
        getattr(ledger, name).update(found)
