"""Record what a PyTorch model does, and be told when that changes."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.version import __version__

if TYPE_CHECKING:
    from pytest_torchgraph.analysis.scaling import Scaling
    from pytest_torchgraph.capture.recording import record
    from pytest_torchgraph.capture.scaling import scaling
    from pytest_torchgraph.capture.tracing import trace
    from pytest_torchgraph.comparison import compare
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.plugin.fixture import TorchGraph
    from pytest_torchgraph.recorded.memory import KiB, MiB
    from pytest_torchgraph.snapshot.loading import load

__all__ = [
    "Graph",
    "KiB",
    "MiB",
    "Scaling",
    "TorchGraph",
    "__version__",
    "compare",
    "load",
    "record",
    "scaling",
    "trace",
]

_HOMES = {
    "Graph": "graph",
    "KiB": "recorded.memory",
    "MiB": "recorded.memory",
    "Scaling": "analysis.scaling",
    "TorchGraph": "plugin.fixture",
    "compare": "comparison",
    "load": "snapshot.loading",
    "record": "capture.recording",
    "scaling": "capture.scaling",
    "trace": "capture.tracing",
}
"""Where what is imported from here lies.

pytest loads this package in every session of its users: PyTorch must come with the first recording, not before.
"""


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    modules = (name for name, value in globals().items() if name.startswith("__") or isinstance(value, ModuleType))
    return sorted({*__all__, *modules})
