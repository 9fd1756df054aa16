"""Whether the test is still there for which a snapshot waits."""

from __future__ import annotations

from pathlib import Path

from pytest_torchgraph.cli.rootdir import root_of, snapshot_folder
from pytest_torchgraph.cli.searching import near
from pytest_torchgraph.cli.waiting import Waiting, drop
from pytest_torchgraph.snapshot.owner import Owner
from pytest_torchgraph.snapshot.standing import missing


def gone(waiting: Waiting) -> str:
    """What is missing of its test, ``there is no tests/test_m.py any more``; empty unless that is sure.

    It is not where the file lies elsewhere than its test's would, nor where anything but a plain definition could make
    the test: :func:`pytest_torchgraph.snapshot.standing.missing` proves it.
    """
    owner = Owner.of(waiting.pending.test)
    root = root_of(waiting.path.parent)
    file = root / owner.file
    if waiting.path.parent.resolve() != (snapshot_folder(root) / Path(owner.file).with_suffix("")).resolve():
        return ""
    if not file.exists():
        return f"there is no {near(file)} any more"
    name = _missing(file, owner)
    return f"{near(file)} has no {name} any more" if name else ""


def _missing(file: Path, owner: Owner) -> str:
    if file.suffix != ".py" or not all(name.isidentifier() for name in (*owner.classes, owner.function)):
        return ""
    try:
        return missing(file.read_bytes(), owner)
    except OSError:
        return ""


def orphan_text(waiting: Waiting, why: str) -> str:
    """One line on what waits for a test that is gone, as :func:`gone` says *why*, with what drops it."""
    told = f"{waiting.snapshot} waits for a test that is gone, {why}: drop what waits with {drop(waiting)}"
    prune = ", and the snapshot, after a run of pytest, with torchgraph prune"
    return f"{told}{prune * waiting.snapshot.exists()}"
