"""The list of what the last complete run did not claim, in pytest's cache, for ``torchgraph prune``."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.plugin.location import label, snapshot_root, without_labels

if TYPE_CHECKING:
    import pytest

    from pytest_torchgraph.plugin.session.events import Ledger
    from pytest_torchgraph.snapshot.unclaimed import Unclaimed, UnclaimedFile


def keep(config: pytest.Config, ledger: Ledger) -> None:
    """Write the list of a complete run; nothing where pytest has no cache, or none that can be written.

    What an earlier run listed of files that this one did not collect stays on it.
    """
    path = _path(config) if snapshot_root(config).is_dir() else None
    if path is None:
        return
    from pytest_torchgraph.snapshot.unclaimed import Unclaimed

    found = {file.path: file for file in _files(config, ledger)}
    earlier = _earlier(path)
    listed = () if earlier is None else _unclaimed_still(earlier, ledger)
    others = {file.path: file for file in listed if file.owner.partition("::")[0] not in ledger.collection.whole}
    _write(
        path,
        Unclaimed(
            root=label(config.rootpath, path.parent),
            folder=label(snapshot_root(config), path.parent),
            files=tuple(file for _, file in sorted({**others, **found}.items())),
        ),
    )


def forget(config: pytest.Config, ledger: Ledger) -> None:
    """Take off the list what a later run, of whatever part, has claimed."""
    path = _path(config) if ledger.claimed else None
    earlier = None if path is None else _earlier(path)
    if path is not None and earlier is not None:
        left = _unclaimed_still(earlier, ledger)
        if left != earlier.files:
            _write(path, replace(earlier, files=left))


def _earlier(path: Path) -> Unclaimed | None:
    from pytest_torchgraph.snapshot.errors import SnapshotUnreadable
    from pytest_torchgraph.snapshot.unclaimed import read_unclaimed

    try:
        return read_unclaimed(path)
    except SnapshotUnreadable:
        return None


def _unclaimed_still(earlier: Unclaimed, ledger: Ledger) -> tuple[UnclaimedFile, ...]:
    removed = {found.path for found in ledger.unused if found.removed}
    return tuple(
        file for file in earlier.files if without_labels(file.path) not in ledger.claimed and file.path not in removed
    )


def command(config: pytest.Config) -> str:
    """The command that shows the list from where pytest was started; empty where there is no list."""
    path = _path(config)
    if path is None:
        return ""
    cache, here = path.parents[2], config.invocation_params.dir
    usual = cache == config.rootpath / ".pytest_cache" and here.is_relative_to(config.rootpath)
    return "torchgraph prune" + ("" if usual else f" --cache {shlex.quote(label(cache, here))}")


def _path(config: pytest.Config) -> Path | None:
    from pytest_torchgraph.snapshot.unclaimed import LIST

    cache: Any = getattr(config, "cache", None)
    if cache is None:
        return None
    try:
        return Path(cache.mkdir(Path(LIST).parent.name), Path(LIST).name)
    except OSError:
        return None


def _files(config: pytest.Config, ledger: Ledger) -> Iterator[UnclaimedFile]:
    from pytest_torchgraph.snapshot.unclaimed import UnclaimedFile

    for is_gone, found in ((True, ledger.unused), (False, ledger.unclaimed)):
        for each in found:
            path = Path(os.path.normpath(config.rootpath / each.path))
            if not each.removed and path.is_file():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                yield UnclaimedFile(path=each.path, owner=each.owner, digest=digest, is_gone=is_gone)


def _write(path: Path, unclaimed: Unclaimed) -> None:
    from pytest_torchgraph.snapshot.saving import write_whole
    from pytest_torchgraph.snapshot.unclaimed import write_unclaimed

    try:
        write_whole(path, write_unclaimed(unclaimed))
    except OSError:
        return
