"""Where a snapshot lies: one file per snapshot, and no two snapshots in one file."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

SUFFIX = ".torchgraph"
WAITING = ".new"
"""Follows the suffix of what waits for review."""
LOSSY = frozenset('\\/?*:|"<>')
LONGEST_NAME_BYTES = 150
_LABELS = re.compile(r"(\.(torch-\d+\.\d+|device-\w+|arch-\w+|cpu-\w+))+$")
"""What variants have between a name and the suffix."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where one snapshot of one test lies; ``label`` is its path as messages show it."""

    test: str
    path: Path
    label: str


def node_id(item: pytest.Item | pytest.Collector) -> str:
    """The node id that runs *item*; without the group that xdist's ``loadgroup`` appends to it."""
    return f"{item.parent.nodeid}::{item.name}" if item.parent is not None and item.parent.nodeid else item.nodeid


def waiting_path(snapshot: Path) -> Path:
    """Where what waits for review of *snapshot* lies."""
    return snapshot.with_name(snapshot.name + WAITING)


def snapshot_root(config: pytest.Config) -> Path:
    """The folder of all snapshots: ``torchgraph_snapshot_dir`` under the root directory."""
    chosen = config.getoption("torchgraph_snapshot_dir") or config.getini("torchgraph_snapshot_dir")
    return Path(config.rootpath, chosen)


def address(item: pytest.Item, slot: str, *, case_clash: bool = False) -> Address:
    """Where the snapshot *slot* of *item* lies; *slot* is ``""`` for the only one of a test."""
    root = item.config.rootpath
    path = snapshot_root(item.config) / folder_of(item.path, root) / file_name(item, slot, case_clash=case_clash)
    return Address(node_id(item), path, label(path, root))


def without_labels(label: str) -> str:
    """The path of the base of the snapshot at *label*, which may be a variant."""
    return _LABELS.sub("", label.removesuffix(SUFFIX)) + SUFFIX


def from_here(test: str, config: pytest.Config) -> str:
    """The node id *test*, relative to the folder where pytest was started instead of the root directory."""
    module, separator, inner = test.partition("::")
    path = Path(os.path.relpath(config.rootpath / module, config.invocation_params.dir))
    return f"{path.as_posix()}{separator}{inner}"


def seen_from(folder: Path, path: Path) -> str:
    """*path* relative to *folder*; as it is on another drive."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return path.as_posix()


def label(path: Path, root: Path) -> str:
    """*path* relative to *root* where possible, with forward slashes."""
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def folder_of(test_file: Path, root: Path) -> PurePath:
    """The folder that belongs to *test_file*; a file outside the root directory gets one beneath ``outside``."""
    relative = PurePath(os.path.relpath(test_file, root))
    inside = PurePath(*("outside" if part == ".." else part for part in relative.parts))
    return inside.with_suffix("") if inside.suffix == ".py" else inside


def file_name(item: pytest.Item, slot: str, *, case_clash: bool = False) -> str:
    """``Class.test[params].slot.torchgraph``; a hash keeps names apart where a character had to go."""
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    exact = ".".join([*classes, item.name, *([slot] if slot else [])])
    return readable(exact, always_hash=case_clash or _LABELS.search(exact) is not None) + SUFFIX


def readable(exact: str, *, always_hash: bool = False) -> str:
    """*exact* as a file name that every file system takes, with a hash of the original unless nothing was lost."""
    kept = "".join("_" if char in LOSSY or not char.isprintable() else char for char in exact)
    short = kept.encode()[:LONGEST_NAME_BYTES].decode(errors="ignore")
    if short == exact and not always_hash:
        return short
    return f"{short}-{hashlib.sha256(exact.encode()).hexdigest()[:8]}"


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
        spelled.setdefault(node.name.casefold(), {})[node.name] = node_id(node)
    return {found for names in spelled.values() if len(names) > 1 for found in names.values()}


def clashes(item: pytest.Item, known: set[str]) -> bool:
    """Whether *item* or a class around it is among the *known* case clashes."""
    return bool(known) and any(
        node_id(node) in known for node in item.listchain() if isinstance(node, (pytest.Item, pytest.Class))
    )
