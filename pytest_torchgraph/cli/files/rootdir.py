"""The root directory of a project, found as pytest finds it, without pytest.

pytest's ``determine_setup`` without arguments: the nearest folder here or above with a configuration of pytest's, else
one with a ``pyproject.toml``, else one with a ``setup.py``.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
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


def lines_of(root: Path, setting: str) -> list[str]:
    """The lines of *setting* in pytest's settings at *root*; none where it is not there or the file cannot be read."""
    name, text = _found(root) or ("", "")
    try:
        value = _toml_value(text, setting) if name.endswith(".toml") else _ini_value(text, setting)
    except ValueError:
        return []
    lines = value.splitlines() if isinstance(value, str) else map(str, value)
    return [line.strip() for line in lines if line.strip()]


def _toml_value(text: str, setting: str) -> str | list[object]:
    # Before Python 3.11 it is a package that pytest requires there.
    table = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli").loads(text)
    tool = table.get("tool", table).get("pytest", {})
    found = {**tool, **tool.get("ini_options", {})}.get(setting, "")
    return found if isinstance(found, (str, list)) else ""


def _ini_value(text: str, setting: str) -> str:
    import configparser

    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError(str(error)) from None
    section = next((name for name in ("pytest", "tool:pytest") if parser.has_section(name)), "")
    return (parser.get(section, setting, fallback="") or "") if section else ""


def _found(folder: Path) -> tuple[str, str] | None:
    """The name and the text of the file with pytest's settings in *folder*; ``None`` where there is none."""
    for name, sign in SETTINGS.items():
        try:
            text = (folder / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if sign.search(text):
            return name, text
    return None


def _configuration(folder: Path) -> str | None:
    """The text of the file with pytest's settings in *folder*; ``None`` where there is none."""
    found = _found(folder)
    return None if found is None else found[1]
