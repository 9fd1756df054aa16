"""The line of the user's code that asked for an operation."""

from __future__ import annotations

import sys
from pathlib import Path
from types import CodeType, FrameType
from typing import TypeAlias

import torch

from pytest_torchgraph.recorded.operation import SourceLine

Frame: TypeAlias = "tuple[CodeType, int] | SourceLine | None"
"""The line of the user's code that asked for an operation, as a log keeps it."""
SKIPPED_FOLDERS = (
    f"{Path(torch.__file__).parent}/",
    f"{Path(__file__).parents[1]}/",
)
CONSOLE_SCRIPT = "torchgraph"
SKIPPED_FILES = frozenset({"contextlib.py", "functools.py"})

# By id, because hashing a code object reads all its constants; every judged one is kept, so an id stays its own.
_is_user_code: dict[int, bool] = {}
_judged: list[CodeType] = []


def _judge(code: CodeType) -> bool:
    name = code.co_filename.replace("\\", "/")
    is_user = not (
        name.startswith((*SKIPPED_FOLDERS, "<"))
        or Path(name).name == CONSOLE_SCRIPT
        or (Path(name).name in SKIPPED_FILES and name.startswith(sys.base_prefix))
    )
    _judged.append(code)
    _is_user_code[id(code)] = is_user
    return is_user


def is_user_code(code: CodeType) -> bool:
    """Whether *code* is outside PyTorch and this package."""
    known = _is_user_code.get(id(code))
    return _judge(code) if known is None else known


def user_frame(depth: int = 1) -> tuple[CodeType, int] | None:
    """Code and line of the nearest frame outside PyTorch and this package, *depth* frames up or further."""
    frame: FrameType | None = sys._getframe(depth)
    known = _is_user_code
    while frame is not None:
        code = frame.f_code
        is_user = known.get(id(code))
        if is_user is None:
            is_user = _judge(code)
        if is_user:
            return code, frame.f_lineno or code.co_firstlineno
        frame = frame.f_back
    return None


def source_line(found: Frame) -> SourceLine | None:
    """The record of what :func:`user_frame` found."""
    if found is None or isinstance(found, SourceLine):
        return found
    code, line = found
    return SourceLine(code.co_filename, line, code.co_name)
