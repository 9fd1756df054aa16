"""Which snapshot files no test claims any more, and which of them belong to tests that are proved gone."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.plugin.location import (
    GROWTH,
    SUFFIX,
    folder_of,
    label,
    may_be_named,
    snapshot_root,
    without_labels,
)
from pytest_torchgraph.plugin.session import unclaimed
from pytest_torchgraph.plugin.session.events import LEDGER, Ledger, Unused
from pytest_torchgraph.plugin.settings import settings
from pytest_torchgraph.snapshot.owner import Owner, body_digest_of, owner_of
from pytest_torchgraph.snapshot.pending import drop
from pytest_torchgraph.snapshot.standing import missing

if TYPE_CHECKING:
    import pytest

RANK = re.compile(rf"[.-]rank\d+(?={re.escape(SUFFIX)}$)")
CHOOSING = ("keyword", "lf", "stepwise")
"""Options of pytest that choose tests, whether or not any was left out."""
RUNNING_NOTHING = ("collectonly", "setuponly", "setupplan")


def is_complete(config: pytest.Config, ledger: Ledger) -> bool:
    """Whether the run compared graphs, in whole test files: none stopped, none picked by name or earlier failure."""
    option: Any = config.option
    picked = ledger.collection.picked or any("::" in argument for argument in config.args)
    chosen = any(getattr(option, name, False) for name in (*CHOOSING, *RUNNING_NOTHING))
    compares = settings(config).compare != "budget"
    return compares and not (picked or chosen or ledger.stopped or ledger.workers_lost)


def find(config: pytest.Config, ledger: Ledger) -> tuple[list[Unused], list[Unused]]:
    """The snapshots that no check asked for: of tests that are proved gone, and those of which that is not known.

    Those of tests that did not pass are neither: they may have ended before their check.
    """
    gone: list[Unused] = []
    kept: list[Unused] = []
    judged = _judge_of(config, ledger)
    claimed = set(map(_of_any_rank, ledger.claimed))
    for path in sorted(path for suffix in (SUFFIX, GROWTH) for path in snapshot_root(config).rglob(f"*{suffix}")):
        shown = label(path, config.rootpath)
        test = None if _of_any_rank(without_labels(shown)) in claimed else owner_of(path)
        found = None if test is None else judged(Owner.of(test), test, path)
        if test is not None and found is not None:
            (gone if found else kept).append(Unused(path=shown, owner=test, renamed_to=_renamed(path, ledger)))
    return gone, kept


def _of_any_rank(label: str) -> str:
    """The snapshot of the first rank for one of another: where a check claims one, other ranks claim the others."""
    return RANK.sub("", label)


def _judge_of(config: pytest.Config, ledger: Ledger) -> Callable[[Owner, str, Path], bool | None]:
    """Says of an owner and its snapshot whether the test is gone; ``None`` where this run knows nothing of it."""
    collection, root = ledger.collection, config.rootpath
    standing = {Owner.of(test).definition for test in collection.tests}
    folders = _folders(config)

    @cache
    def proved(owner: Owner) -> bool:
        try:
            source = (root / owner.file).read_bytes()
        except OSError:
            return False
        return bool(missing(source, owner))

    def judge(owner: Owner, test: str, path: Path) -> bool | None:
        if not (owner.is_inside and _would_lie_at(owner, path, config)):
            return None
        if _is_missing(root / owner.file):
            return True if any((root / owner.file).parent.is_relative_to(folder) for folder in folders) else None
        if owner.file not in collection.whole or owner.file in collection.faulty:
            return None
        if test in collection.tests:
            return False if ledger.outcomes.get(test) == "passed" else None
        plain = _is_plain(owner, config) and not collection.own and owner.definition not in standing
        return plain and proved(owner)

    return judge


def _is_plain(owner: Owner, config: pytest.Config) -> bool:
    """Whether pytest's own collector would take it for a function of a Python file, by the names in its id."""
    return (
        owner.file.endswith(".py")
        and _fits(owner.function, config.getini("python_functions"))
        and all(_fits(name, config.getini("python_classes")) for name in owner.classes)
    )


def _would_lie_at(owner: Owner, path: Path, config: pytest.Config) -> bool:
    """Whether *path* is where one of its snapshots lies under this root directory."""
    root = config.rootpath
    folder = snapshot_root(config) / folder_of(root / owner.file, root)
    return path.parent == folder and may_be_named(path.name, ".".join((*owner.classes, owner.item)))


def _fits(name: str, patterns: list[str]) -> bool:
    """As pytest reads ``python_functions``: by the beginning, or as a pattern of the shell."""
    from fnmatch import fnmatch

    return name.isidentifier() and any(
        name.startswith(pattern) or (re.search(r"[*?\[]", pattern) is not None and fnmatch(name, pattern))
        for pattern in patterns
    )


def _folders(config: pytest.Config) -> tuple[Path, ...]:
    """The folders among the arguments of the run."""
    given = (Path(os.path.normpath(config.invocation_params.dir / argument)) for argument in config.args)
    return tuple(path for path in given if path.is_dir())


def _is_missing(path: Path) -> bool:
    """Whether nothing is there; what cannot be looked at may be."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _renamed(path: Path, ledger: Ledger) -> str:
    """The test that has no snapshot and would record just what lies at *path*."""
    missing = [event for events in ledger.events.values() for event in events if event.what in ("missing", "recorded")]
    if not missing:
        return ""
    digest = body_digest_of(path)
    return next((event.test for event in missing if event.body and event.body == digest), "")


def judge(session: pytest.Session, exitstatus: int) -> None:
    """Find what no check asked for, remove what is proved gone if that was asked for, else fail the session.

    What is not proved gone is kept, and fails nothing.
    """
    config = session.config
    option: Any = config.option
    ledger = config.stash[LEDGER]
    if exitstatus not in (0, 1) or option.disable_unused_snapshots or not is_complete(config, ledger):
        unclaimed.forget(config, ledger)
        return
    ledger.unused, ledger.unclaimed = find(config, ledger)
    if settings(config).updating:
        if exitstatus == 0 and not option.no_cleanup:
            ledger.unused = [_remove(found, config) for found in ledger.unused]
    elif ledger.unused and not option.warn_unused_snapshots:
        session.exitstatus = 1
    unclaimed.keep(config, ledger)


def _remove(found: Unused, config: pytest.Config) -> Unused:
    path = Path(os.path.normpath(config.rootpath / found.path))
    try:
        path.unlink()
    except OSError:
        return found
    drop(path)
    from pytest_torchgraph.snapshot.saving import remove_empty

    remove_empty(path.parent, snapshot_root(config))
    return replace(found, removed=True)
