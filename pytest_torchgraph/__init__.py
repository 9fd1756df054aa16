"""Record what a PyTorch model does, and be told when that changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_torchgraph.graph.memory import KiB, MiB

if TYPE_CHECKING:
    from pytest_torchgraph.capture.recording import record
    from pytest_torchgraph.capture.tracing import trace
    from pytest_torchgraph.report.comparison import compare
    from pytest_torchgraph.snapshot.loading import load

__version__ = "0.1.0"
__all__ = ["KiB", "MiB", "compare", "load", "record", "trace"]


def __getattr__(name: str) -> Any:
    # pytest loads this package in every session of its users; PyTorch must come with the first recording, not before.
    if name == "record":
        from pytest_torchgraph.capture.recording import record

        return record
    if name == "trace":
        from pytest_torchgraph.capture.tracing import trace

        return trace
    if name == "compare":
        from pytest_torchgraph.report.comparison import compare

        return compare
    if name == "load":
        from pytest_torchgraph.snapshot.loading import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
