"""Errors of the user's own code, said in one line."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from traceback import walk_tb

PACKAGE = str(Path(__file__).resolve().parents[2])
LIBRARIES = tuple(dict.fromkeys(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")))


def told(error: BaseException) -> str:
    """``KeyError: 'hidden' (models.py:5)``: type, message, and the innermost line that is neither library nor this."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{type(error).__name__}: {error.msg} ({shown(error.filename)}:{error.lineno})"
    message = " ".join(str(error).split("\n", 1)[0].split())
    place = where(error)
    return f"{type(error).__name__}{f': {message}' if message else ''}{f' ({place})' if place else ''}"


def where(error: BaseException) -> str:
    """``models.py:5``; empty where no line of the user's was passed."""
    places = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    own = [f"{shown(file)}:{line}" for file, line in places if _is_own(file)]
    return own[-1] if own else ""


def _is_own(file: str) -> bool:
    return not file.startswith(("<", PACKAGE, *LIBRARIES))


def shown(file: str) -> str:
    """*file* relative to the current folder, where it lies in it."""
    relative = os.path.relpath(file)
    return file if relative.startswith(os.pardir) else relative
