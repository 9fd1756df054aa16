"""The root directory of a project, found as pytest finds it, without pytest.

pytest's ``determine_setup`` without arguments: the nearest folder here or above with a configuration of pytest's, else
one with a ``pyproject.toml``, else one with a ``setup.py``.
"""

from __future__ import annotations

import re
from pathlib import Path

ALWAYS = re.compile("")
SETTINGS = {
    "pytest.toml": ALWAYS,
    ".pytest.toml": ALWAYS,
    "pytest.ini": ALWAYS,
    ".pytest.ini": ALWAYS,
    "pyproject.toml": re.compile(r"^\s*\[\s*tool\s*\.\s*pytest\s*(\.\s*ini_options\s*)?\]", re.MULTILINE),
    "tox.ini": re.compile(r"^\[pytest\]", re.MULTILINE),
    "setup.cfg": re.compile(r"^\[tool:pytest\]", re.MULTILINE),
}
"""The files that hold pytest's settings, the first first, and what such a file has in it."""
OTHERS = ("pyproject.toml", "setup.py")
_FOLDER = re.compile(r"""^torchgraph_snapshot_dir\s*=\s*["']?([^"'#\n]+)""", re.MULTILINE)


def root_of(folder: Path) -> Path:
    """The root directory of a pytest run in *folder*; *folder* itself where nothing says otherwise."""
    folder = folder.resolve()
    above = (folder, *folder.parents)
    configured = (place for place in above if _configuration(place) is not None)
    marked = (place for name in OTHERS for place in above if (place / name).is_file())
    return next(configured, None) or next(marked, None) or folder


def is_configured(folder: Path) -> bool:
    """Whether pytest's settings lie in *folder*, which is then a root directory."""
    return _configuration(folder) is not None


def snapshot_folder(root: Path) -> Path:
    """Where the snapshots of the project at *root* lie by its settings."""
    found = _FOLDER.search(_configuration(root) or "")
    return root / (found[1].strip() if found else "snapshots")


def _configuration(folder: Path) -> str | None:
    """The text of the file with pytest's settings in *folder*; ``None`` where there is none."""
    for name, sign in SETTINGS.items():
        try:
            text = (folder / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if sign.search(text):
            return text
    return None
