"""What a failed check would record, kept beside the snapshot for ``torchgraph review``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_torchgraph.snapshot.pending import pending_path, read_pending, write_pending

if TYPE_CHECKING:
    from pytest_torchgraph.plugin.check.comparison import Outcome
    from pytest_torchgraph.plugin.location import Address
    from pytest_torchgraph.snapshot.pending import Pending


def keep(address: Address, outcome: Outcome, text: str) -> str:
    """Write what waits for review, *text* in the end; returns why that was impossible, nothing otherwise."""
    from pytest_torchgraph.report.review import waiting
    from pytest_torchgraph.snapshot.saving import write_whole

    path = pending_path(address.path)
    try:
        found = waiting(outcome.comparison, test=address.test, before=address.path.read_bytes(), text=text)
        write_whole(path, write_pending(_still_accepted(found, path)))
    except OSError as error:
        return f"  not kept for review: {address.label}{path.suffix} cannot be written: {error.strerror}"
    return ""


def _still_accepted(pending: Pending, path: Path) -> Pending:
    """*pending* with what a reviewer has accepted already, where the snapshot is still the same."""
    from pytest_torchgraph.snapshot.errors import SnapshotUnreadable

    try:
        earlier = read_pending(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError, SnapshotUnreadable):
        return pending
    return pending.accepting(frozenset(earlier.accepted)) if earlier.before == pending.before else pending


def drop(path: Path) -> None:
    """Remove what waits for the snapshot at *path*, if anything does and that is possible."""
    try:
        pending_path(path).unlink(missing_ok=True)
    except OSError:
        return
