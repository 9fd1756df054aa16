"""Which snapshot files no test claims any more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.plugin import options, pending
from pytest_torchgraph.plugin.events import LEDGER, Ledger, Unused
from pytest_torchgraph.plugin.location import SUFFIX, label, node_id, snapshot_root, without_labels
from pytest_torchgraph.plugin.stored import body_digest_of, owner

if TYPE_CHECKING:
    import pytest


def is_whole(config: pytest.Config, ledger: Ledger) -> bool:
    """Whether the run covered whole files: no test was picked by name, keyword or earlier failure."""
    option: Any = config.option
    picked = bool(option.keyword) or any("::" in argument for argument in config.args)
    replayed = any(getattr(option, name, False) for name in ("lf", "stepwise", "collectonly"))
    return not (picked or replayed or ledger.workers_lost)


def find(config: pytest.Config, ledger: Ledger) -> list[Unused]:
    """The snapshots below the snapshot folder whose owner is gone, or passed without claiming them."""
    root = config.rootpath
    claimed = {without_labels(event.path) for events in ledger.events.values() for event in events}
    found = []
    for path in sorted(snapshot_root(config).rglob(f"*{SUFFIX}")):
        shown = label(path, root)
        test = None if without_labels(shown) in claimed else owner(path)
        if test is not None and is_abandoned(test, ledger, root):
            found.append(Unused(path=shown, owner=test, renamed_to=_renamed(path, ledger)))
    return found


def is_abandoned(test: str, ledger: Ledger, root: Path) -> bool:
    """Whether the run shows that *test* needs no snapshot: it passed without one, or it is no longer there."""
    module = test.partition("::")[0]
    if test in ledger.collected:
        return ledger.outcomes.get(test) == "passed"
    if module in ledger.faulty_modules:
        return False
    return module in ledger.clean_modules or not (root / module).exists()


def _renamed(path: Path, ledger: Ledger) -> str:
    """The test that has no snapshot and would record just what lies at *path*."""
    missing = [event for events in ledger.events.values() for event in events if event.what in ("missing", "recorded")]
    if not missing:
        return ""
    digest = body_digest_of(path)
    return next((event.test for event in missing if event.body and event.body == digest), "")


def note_collection(config: pytest.Config) -> None:
    """Turn the collected items into node ids, once the session knows them all."""
    ledger = config.stash[LEDGER]
    ledger.collected.update(node_id(item) for item in ledger.items)
    ledger.items.clear()


def judge(session: pytest.Session, exitstatus: int) -> None:
    """Find the unused snapshots of a finished session, remove them if that was asked for, or fail the session."""
    config = session.config
    option: Any = config.option
    ledger = config.stash[LEDGER]
    stopped = exitstatus not in (0, 1) or session.shouldstop
    if option.disable_unused_snapshots or stopped or not is_whole(config, ledger):
        return
    ledger.unused = find(config, ledger)
    if options.updating(config):
        if exitstatus == 0 and not session.shouldfail and not option.no_cleanup:
            ledger.unused = [_remove(found, config) for found in ledger.unused]
    elif ledger.unused and not option.warn_unused_snapshots:
        session.exitstatus = 1


def _remove(found: Unused, config: pytest.Config) -> Unused:
    path = config.rootpath / found.path
    try:
        path.unlink()
    except OSError:
        return found
    pending.drop(path)
    _prune(path.parent, snapshot_root(config))
    return replace(found, removed=True)


def _prune(folder: Path, top: Path) -> None:
    """Remove *folder* and the folders above it that are empty now, up to *top*, which stays."""
    while folder != top and folder.is_relative_to(top) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
