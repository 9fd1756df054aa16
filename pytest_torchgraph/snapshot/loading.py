"""A snapshot file as a graph."""

from __future__ import annotations

from pathlib import Path

from pytest_torchgraph.graph.expansion import expand
from pytest_torchgraph.graph.graph import Graph
from pytest_torchgraph.snapshot.reader import read_file


def load(path: str | Path) -> Graph:
    """The graph that a snapshot file holds: no view operations, source lines, timeline or FLOPs.

    Raises :class:`~pytest_torchgraph.snapshot.errors.SnapshotUnreadable` for a file that is cut, edited by hand, left
    in a merge conflict or of a newer format, and ``FileNotFoundError`` where there is none.
    """
    return expand(read_file(Path(path)).program)
