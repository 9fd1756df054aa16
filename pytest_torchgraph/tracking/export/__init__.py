"""A graph in formats that other programs read: one file of this folder for each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_torchgraph.drawing.saving import require_writable
from pytest_torchgraph.snapshot.saving import write_whole

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph

FORMATS: Mapping[str, str] = {
    "json": "document",
    "dot": "dot",
    "graphml": "graphml",
    "chrome": "chrome",
    "model-explorer": "model_explorer",
    "csv": "csv",
}
"""The name of each format, and the file here that has its ``render(graph)``."""


class NeedsTiming(ValueError):
    """A format that is made of times was asked for of a graph that has none."""


def require_format(name: str) -> None:
    """Raise ``ValueError`` with the formats that there are, unless *name* is one."""
    if name not in FORMATS:
        raise ValueError(f"unknown format {name!r}: choose one of {', '.join(FORMATS)}")


def render(graph: Graph, name: str) -> str:
    """The text of *graph* in a format; raises ``ValueError`` for one that is not known."""
    require_format(name)
    text: str = import_module(f"{__name__}.{FORMATS[name]}").render(graph)
    return text


def export(graph: Graph, path: str | os.PathLike[str], name: str) -> str:
    """Write *graph* to *path* in a format and return the path; raises ``OSError`` where that cannot be written."""
    target = Path(path)
    require_writable(target)
    write_whole(target, render(graph, name).encode())
    return os.fspath(path)
