"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace *path* by *content* in one step: a reader sees the file before or after, never a part.

    Text is UTF-8 with the line ends that it has. A file that is replaced keeps its permissions; where *path* is a
    symbolic link, the file that it leads to is replaced, and where it is a device or a pipe, it is written to. Raises
    ``OSError``, and leaves nothing behind.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    target = _followed(path)
    if target.exists() and not target.is_file() and not target.is_dir():
        target.write_bytes(data)
        return
    # Named without the file's own name, which may be as long as names can be, and unlike any other writer's: threads
    # share a process id, and so do containers that share a folder.
    temporary = target.with_name(f".torchgraph-{os.urandom(8).hex()}.tmp")
    try:
        temporary.write_bytes(data)
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _followed(path: Path) -> Path:
    """Where the symbolic link at *path* leads to, through others; *path* where it is none."""
    if not path.is_symlink():
        return path
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return target


def remove_empty(folder: Path, top: Path) -> None:
    """Remove *folder* and the folders above it that are empty, up to *top*, which stays."""
    while folder != top and folder.is_relative_to(top) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
