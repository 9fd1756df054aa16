"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def require_writable(path: Path) -> None:
    """Raise ``OSError`` where *path* cannot be written: before a model runs for long, rather than after."""
    folder = path.parent
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"{path} cannot be written: there is no folder {folder}")
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, f"{path} cannot be written: it is a folder")
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, f"{path} cannot be written: the folder {folder} is closed to you")


def write(path: Path, text: str) -> None:
    """Write *text* to *path* in one step; a failure leaves what was there before."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
