"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace *path* by *content* in one step: a reader sees the file before or after, never a part.

    Text is UTF-8 with the line ends that it has. A file that is replaced keeps its permissions; what a symbolic link
    points at is replaced, not the link. Raises ``OSError``, and leaves nothing behind.
    """
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    # Named without the file's own name, which may be as long as names can be.
    temporary = path.with_name(f".torchgraph-{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def remove_empty(folder: Path, top: Path) -> None:
    """Remove *folder* and the folders above it that are empty, up to *top*, which stays."""
    while folder != top and folder.is_relative_to(top) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
