"""Files as a reviewer sees them, and what tests build them from."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).with_name("examples")

BLOCK = (_FOLDER / "block.torchgraph").read_text(encoding="utf-8")
CACHED = (_FOLDER / "cached.torchgraph").read_text(encoding="utf-8")
GROWING = (_FOLDER / "growing.torchgraph").read_text(encoding="utf-8")

VERSION_1 = {
    path.stem: path.read_text(encoding="utf-8") for path in sorted((_FOLDER / "version_1").glob("*.torchgraph"))
}
"""Files as version 1 of the format was written, by name; they are never recorded again."""
