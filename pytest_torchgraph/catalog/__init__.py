"""This torch: what the installed PyTorch can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_torchgraph.catalog.operations import PyTorchOperationCollector
    from pytest_torchgraph.catalog.summary import PyTorchOperationSummarizer

__all__ = ["PyTorchOperationCollector", "PyTorchOperationSummarizer"]


def __getattr__(name: str) -> Any:
    # Readers of exported catalogues need no PyTorch, which the collector reads.
    if name == "PyTorchOperationCollector":
        from pytest_torchgraph.catalog.operations import PyTorchOperationCollector

        return PyTorchOperationCollector
    if name == "PyTorchOperationSummarizer":
        from pytest_torchgraph.catalog.summary import PyTorchOperationSummarizer

        return PyTorchOperationSummarizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
