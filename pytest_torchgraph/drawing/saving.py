"""Where a picture or an export goes, told before a model runs for it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from pytest_torchgraph.drawing.errors import require_known
from pytest_torchgraph.drawing.options import FORMATS


def format_of(path: Path) -> str:
    """The format that the suffix of *path* names."""
    suffix = path.suffix.removeprefix(".").lower()
    require_known("format", suffix, FORMATS)
    return suffix


def require_writable(path: Path) -> None:
    """Raise ``OSError`` where *path* cannot be written: before a model runs for long, rather than after."""
    folder = path.parent
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"{path} cannot be written: there is no folder {folder}")
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, f"{path} cannot be written: it is a folder")
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, f"{path} cannot be written: the folder {folder} is closed to you")
