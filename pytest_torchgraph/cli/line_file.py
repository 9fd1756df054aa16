"""Files of lines that a project keeps, such as ``.gitignore``: one line added or taken out, all else as it was."""

from __future__ import annotations

from pathlib import Path

from pytest_torchgraph.cli.exits import Wrong


def lines_of(path: Path) -> list[str]:
    """The lines of the file at *path*, bytes that are no UTF-8 replaced; none where there is no file."""
    return [line.decode("utf-8", errors="replace").rstrip("\r\n") for line in _read(path).splitlines(keepends=True)]


def add(path: Path, line: str) -> None:
    """Add *line* at the end, with the line ends that the file has."""
    content = _read(path)
    end = b"\r\n" if b"\r\n" in content else b"\n"
    gap = end if content and not content.endswith(b"\n") else b""
    _write(path, content + gap + line.encode() + end)


def take_out(path: Path, line: str) -> bool:
    """Take *line* out, however it is spaced; whether the file is gone because it held nothing else."""
    rest = [each for each in _read(path).splitlines(keepends=True) if each.split() != line.encode().split()]
    if rest:
        _write(path, b"".join(rest))
        return False
    try:
        path.unlink()
    except OSError as error:
        raise Wrong(f"{path} cannot be removed: {error.strerror}.") from None
    return True


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise Wrong(f"{path} cannot be read: {error.strerror}.") from None


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Wrong(f"{path} cannot be written: {error.strerror}.") from None
