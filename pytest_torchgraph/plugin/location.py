"""Where a snapshot lies: one file per snapshot, and no two snapshots in one file."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import pytest

from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

SUFFIX = ".torchgraph"
GROWTH = ".scaling"
"""Of the file that says how a model grows, where a snapshot of the same name ends in ``.torchgraph``."""
WAITING = ".new"
"""Follows the suffix of what waits for review."""
LOSSY = frozenset('\\/?*:|"<>')
LONGEST_NAME_BYTES = 150
_LABELS = re.compile(r"(\.(torch-\d+\.\d+|device-\w+|arch-\w+|cpu-\w+))+$")
"""What variants have between a name and the suffix."""
_HASHED = re.compile(r"(.+)-[0-9a-f]{8}", re.DOTALL)
_CLASHES = pytest.StashKey[set[str]]()
"""Node ids whose names differ from another's in nothing but case."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where one snapshot of one test lies; ``label`` is its path as messages show it."""

    test: str
    path: Path
    label: str


def node_id(item: pytest.Item | pytest.Collector) -> str:
    """The node id that runs *item*, by the path of its file from the root directory, whichever arguments found it.

    Without the group that xdist's ``loadgroup`` appends.
    """
    file = label(item.path, item.config.rootpath)
    if not file.startswith(".."):
        return _without_group(item)
    inner = [
        node.name for node in item.listchain() if not isinstance(node, (pytest.Session, pytest.Directory, pytest.File))
    ]
    return "::".join((file, *inner))


def _without_group(item: pytest.Item | pytest.Collector) -> str:
    return f"{item.parent.nodeid}::{item.name}" if item.parent is not None and item.parent.nodeid else item.nodeid


def chosen_folder(config: pytest.Config) -> Path:
    """The folder that the command line or the ini file chose, as it was given."""
    return Path(config.getoption("torchgraph_snapshot_dir") or config.getini("torchgraph_snapshot_dir"))


def snapshot_root(config: pytest.Config) -> Path:
    """The folder of all snapshots: ``torchgraph_snapshot_dir`` under the root directory.

    A folder outside of it may serve several projects: each gets its own beneath, named by the path of its root
    directory from the folder that both are in.
    """
    root = config.rootpath
    folder = Path(os.path.normpath(root / chosen_folder(config)))
    return folder if folder.is_relative_to(root) else folder / _from_common(root, folder)


def _from_common(root: Path, folder: Path) -> PurePath:
    try:
        return root.relative_to(os.path.commonpath((root, folder)))
    except ValueError:  # two drives
        return PurePath(root.name)


def same_test_elsewhere(item: pytest.Item, name: str) -> tuple[Path, Path] | None:
    """Another root directory under which the file *name* of *item* lies, and that file.

    Without settings the root directory depends on where pytest is started.
    """
    chosen = chosen_folder(item.config)
    for root in item.path.parents:
        path = Path(os.path.normpath(root / chosen / folder_of(item.path, root) / name))
        if root != item.config.rootpath and not chosen.is_absolute() and path.is_file():
            return root, path
    return None


def address(item: pytest.Item, slot: str) -> Address:
    """Where the snapshot *slot* of *item* lies in this session; *slot* is ``""`` for the only one of a test."""
    root = item.config.rootpath
    path = snapshot_root(item.config) / folder_of(item.path, root) / file_name(item, slot)
    return Address(node_id(item), path, label(path, root))


def without_labels(label: str) -> str:
    """The path of the base of the snapshot at *label*, which may be a variant, or say how a model grows."""
    return _LABELS.sub("", label.removesuffix(SUFFIX).removesuffix(GROWTH)) + SUFFIX


def is_base(name: str) -> bool:
    """Whether the file *name* is a snapshot and no variant of one."""
    return name.endswith(SUFFIX) and without_labels(name) == name


def from_here(test: str, config: pytest.Config) -> str:
    """The node id *test*, relative to the folder where pytest was started instead of the root directory."""
    module, separator, inner = test.partition("::")
    path = label(Path(os.path.normpath(config.rootpath / module)), config.invocation_params.dir)
    return f"{path}{separator}{inner}"


def label(path: Path, root: Path) -> str:
    """*path* relative to *root*, with forward slashes; on another drive as it is."""
    try:
        return Path(os.path.relpath(path, root)).as_posix()
    except ValueError:
        return path.as_posix()


def folder_of(test_file: Path, root: Path) -> PurePath:
    """The folder that belongs to *test_file*; a file outside the root directory gets one beneath ``outside``."""
    relative = PurePath(os.path.relpath(test_file, root))
    inside = PurePath(*("outside" if part == ".." else part for part in relative.parts))
    return inside.with_suffix("") if inside.suffix == ".py" else inside


def file_name(item: pytest.Item, slot: str) -> str:
    """``Class.test[params].slot.torchgraph``; a hash keeps names apart where a character had to go."""
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    exact = ".".join([*classes, item.name, *([slot] if slot else [])])
    return readable(exact, always_hash=_clashes(item) or _LABELS.search(exact) is not None) + SUFFIX


def readable(exact: str, *, always_hash: bool = False) -> str:
    """*exact* as a file name that every file system takes, with a hash of the original unless nothing was lost."""
    short = _kept(exact)
    if short == exact and not always_hash:
        return short
    return f"{short}-{hashlib.sha256(exact.encode()).hexdigest()[:8]}"


def _kept(exact: str) -> str:
    kept = "".join("_" if char in LOSSY or not char.isprintable() else char for char in exact)
    return kept.encode()[:LONGEST_NAME_BYTES].decode(errors="ignore")


def may_be_named(name: str, exact: str) -> bool:
    """Whether the file *name* is that of some snapshot, or variant, of the test *exact*, ``Class.test[params]``."""
    base = without_labels(name).removesuffix(SUFFIX)
    kept = _kept(exact)
    hashed = _HASHED.fullmatch(base)
    if base == exact or base.startswith(f"{exact}."):
        return True
    return hashed is not None and (hashed[1] == kept or hashed[1].startswith(_kept(f"{kept}.")))


def is_text(name: str) -> bool:
    """Whether *name* can be written: half of a pair of surrogates cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def case_clashes(siblings: Iterable[pytest.Item | pytest.Collector]) -> set[str]:
    """Node ids of those *siblings* whose names differ from another's in nothing but case."""
    spelled: dict[str, dict[str, str]] = {}
    for node in siblings:
        spelled.setdefault(node.name.casefold(), {})[node.name] = _without_group(node)
    return {found for names in spelled.values() if len(names) > 1 for found in names.values()}


def note_case_clashes(config: pytest.Config, siblings: Iterable[pytest.Item | pytest.Collector]) -> None:
    """Remember those of *siblings* whose files a file system may take for one."""
    config.stash.setdefault(_CLASHES, set()).update(case_clashes(siblings))


def _clashes(item: pytest.Item) -> bool:
    """Whether *item* or a class around it is among the case clashes of the session."""
    known = item.config.stash.get(_CLASHES, set())
    return bool(known) and any(
        _without_group(node) in known for node in item.listchain() if isinstance(node, (pytest.Item, pytest.Class))
    )
