"""Snapshot files on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_torchgraph.cli.exits import Wrong
from pytest_torchgraph.snapshot.pending import snapshot_text

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.snapshot.reader import Snapshot


def load(path: str) -> tuple[str, Snapshot]:
    """The text of the snapshot at *path*, which may wait for review, and what it holds."""
    text = snapshot_text(read_text(path))
    return text, parsed(text, path)


def read_text(path: str) -> str:
    """The text of the file at *path*."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Wrong(f"{path}: not UTF-8 text (byte {error.start}), so it is no snapshot.") from None
    except OSError as error:
        raise Wrong(f"{path}: {error.strerror}.") from None


def parsed(text: str, path: str) -> Snapshot:
    """What the *text* of a snapshot holds; *path* is where it lies."""
    from pytest_torchgraph.snapshot.errors import SnapshotUnreadable
    from pytest_torchgraph.snapshot.reader import read

    try:
        return read(text, path=path)
    except SnapshotUnreadable as error:
        raise Wrong(str(error)) from None


def save(path: Path, text: str) -> None:
    """Write *text* to *path* in one step; a folder that is not there is more likely mistyped than meant."""
    from pytest_torchgraph.snapshot.saving import write_whole

    if not path.parent.exists():
        raise Wrong(f"{path} cannot be written: there is no folder {path.parent}. Make it, or mend the path.")
    try:
        write_whole(path, text)
    except OSError as error:
        raise Wrong(f"{path} cannot be written: {error.strerror}.") from None


def text_of(graph: Graph, owner: str) -> str:
    """The text of the snapshot of *graph*; *owner* stands where a test's node id would."""
    from pytest_torchgraph.snapshot.recorded import recorded_line
    from pytest_torchgraph.snapshot.writer import write

    return write(graph.canonical, test=owner, recorded=recorded_line(graph))


def as_snapshot(graph: Graph, owner: str) -> Snapshot:
    """*graph* as it would be read back from its snapshot."""
    from pytest_torchgraph.snapshot.reader import Snapshot
    from pytest_torchgraph.snapshot.recorded import recorded_line

    return Snapshot(program=graph.canonical, test=owner, recorded=recorded_line(graph))
