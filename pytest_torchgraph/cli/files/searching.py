"""Files of a project, found from the folder where one stands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pytest_torchgraph.cli.files.revisions import git
from pytest_torchgraph.cli.files.rootdir import root_of, snapshot_folder

PASSED_OVER = frozenset({".git", ".hg", ".svn", ".jj", "node_modules", "__pycache__"})
FOREIGN = frozenset({"pyvenv.cfg", "CACHEDIR.TAG"})
"""Files that a folder of nobody's own work holds: a virtual environment, a cache."""


def project_files(*endings: str, everywhere: bool = False) -> list[Path]:
    """The files of the project around the current folder that end in one of *endings*, sorted.

    With *everywhere*, those of all projects of the git repository.
    """
    root = Path(git("rev-parse", "--show-toplevel").rstrip("\n")) if everywhere else root_of(Path.cwd())
    # The folder of the snapshots may be a link, or lie outside.
    starts = (root,) if everywhere else (root, snapshot_folder(root))
    return sorted({near(path) for start in starts for path in files_below(start, *endings)})


def files_below(folder: Path, *endings: str) -> Iterator[Path]:
    """The files whose names end in one of *endings*, but for those in :data:`PASSED_OVER` and :data:`FOREIGN` ones."""
    for at, folders, names in os.walk(folder):
        if FOREIGN & set(names) and Path(at) != folder:
            folders.clear()
            continue
        folders[:] = [name for name in folders if name not in PASSED_OVER]
        yield from (Path(at, name) for name in names if name.endswith(endings))


def from_root(given: str) -> Path:
    """What *given* names below the root directory, as pytest's summary spells it."""
    return near(root_of(Path.cwd()) / given)


def near(path: Path) -> Path:
    """*path* as seen from the current folder."""
    try:
        return Path(os.path.relpath(path))
    except ValueError:  # another drive
        return path
