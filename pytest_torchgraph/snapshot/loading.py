"""A snapshot file as a graph."""

from __future__ import annotations

from pathlib import Path

from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.snapshot.limits import LEVELS, room_for
from pytest_torchgraph.snapshot.reader import Snapshot, read_file
from pytest_torchgraph.snapshot.recorded import recorder_of


def load(path: str | Path) -> Graph:
    """The graph that a snapshot file holds: no view operations, source lines, timeline or FLOPs.

    Raises :class:`~pytest_torchgraph.snapshot.errors.SnapshotUnreadable` for a file that is cut, edited by hand, left
    in a merge conflict or of a newer format, and ``FileNotFoundError`` where there is none.
    """
    return graph_of(read_file(Path(path)))


def graph_of(snapshot: Snapshot) -> Graph:
    """The graph in *snapshot*, with what recorded it."""
    with room_for(LEVELS):
        return expanded(snapshot.program, recorder_of(snapshot.recorded))
