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
SKIPPED_FILES = frozenset({"contextlib.py", "functools.py", "warnings.py"})
"""Of the standard library: decorators that stand between a line of the user's and what it calls."""
DECORATING = ("/typing_extensions.py",)
"""The same of others: ``@deprecated`` calls the function from there on Python 3.12 and older."""

# By id, because hashing a code object reads all its constants; every judged one is kept, so an id stays its own.
_is_user_code: dict[int, bool] = {}
_judged: list[CodeType] = []


def _judge(code: CodeType) -> bool:
    name = code.co_filename.replace("\\", "/")
    is_user = not (
        name.startswith((*SKIPPED_FOLDERS, "<"))
        or name.endswith(DECORATING)
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
    """Code and instruction of the nearest frame outside PyTorch and this package, *depth* frames up or further.

    The line is worked out when somebody asks for it: Python counts lines from the beginning of a function.
    """
    frame: FrameType | None = sys._getframe(depth)
    known = _is_user_code
    while frame is not None:
        code = frame.f_code
        is_user = known.get(id(code))
        if is_user is None:
            is_user = _judge(code)
        if is_user:
            return code, frame.f_lasti
        frame = frame.f_back
    return None


def source_line(found: Frame) -> SourceLine | None:
    """The record of what :func:`user_frame` found."""
    if found is None or isinstance(found, SourceLine):
        return found
    code, instruction = found
    return SourceLine(code.co_filename, line_of(code, instruction), code.co_name)


def line_of(code: CodeType, instruction: int) -> int:
    """The line of the *instruction* at that offset; that of the function where it has none of its own."""
    lines = (line for start, end, line in code.co_lines() if start <= instruction < end)
    return next(lines, None) or code.co_firstlineno
