"""What PyTorch's compiler tells of itself, in its own words, as records.

The texts are those of the structured trace (``TORCH_TRACE``): the one source that has every graph break with its id,
also of frames that are given up, and that says the same whatever is cached. PyTorch 2.9 to 2.14 write them alike.
"""

from __future__ import annotations

import json
import linecache
import re
import sysconfig
from functools import lru_cache
from pathlib import Path

from torch._dynamo.exc import get_gbid_documentation_link

from pytest_torchgraph.capture.source import SKIPPED_FOLDERS
from pytest_torchgraph.recorded.compilation import CodeLine, GraphBreak, Recompilation
from pytest_torchgraph.recorded.operation import SourceLine

_ID = re.compile(r"/gb(\d{4,})\.html")
_TITLE = re.compile(r"^(?:Graph Break Reason: )?(?P<title>\S.*)\n\s+Explanation:", re.MULTILINE)
_REASON = re.compile(r"^Graph Break Reason: (?P<reason>.+)", re.MULTILINE)
_AT = re.compile(r"^Graph break in user code at (?P<file>.+):(?P<line>\d+)", re.MULTILINE)
_FRAME = re.compile(r'^\s*File "(?P<file>.*?)", line (?P<line>\d+), in (?P<function>.+)$', re.MULTILINE)
_GUARD = re.compile(r"^\d+/\d+: (?P<guard>.*?)(?:\s+# .*)?$")
_RESUMED = re.compile(r"^torch_dynamo_resume_in_(?P<function>.+)_at_\d+$")
_ADDRESS = re.compile(r"\b\d{9,}\b|0x[0-9a-f]{6,}")
_USER, _PYTORCH = "User code traceback:", "Traceback (most recent call last)"
_LIBRARY_FOLDERS = tuple(
    f"{Path(folder).as_posix()}/" for name, folder in sysconfig.get_paths().items() if name in ("stdlib", "platstdlib")
)


def break_of(payload: str, module: str) -> GraphBreak:
    """The graph break that *payload* tells of, met while *module* was at work."""
    number, title, at = _ID.search(payload), _TITLE.search(payload), _AT.search(payload)
    reason = _REASON.search(payload)
    user = payload.rpartition(_USER)[2].partition(_PYTORCH)[0] if _USER in payload else ""
    frames = frames_in(user)
    if not frames and at is not None:
        frames = (SourceLine(at["file"], int(at["line"]), ""),)
    told = title["title"] if title else reason["reason"] if reason else payload.partition("\n")[0]
    told = told.strip().rstrip(".")
    number = number or _ID.search(get_gbid_documentation_link(told) or "")  # 2.9 does not tell it of every break
    return GraphBreak(
        id=f"GB{number[1]}" if number else "",
        reason=without_addresses(told),
        module=module,
        line=code_line(innermost(frames)),
        frames=tuple(frame for frame in frames if is_users(frame.file)),
    )


def recompilation_of(payload: str, module: str, function: SourceLine | None) -> Recompilation:
    """The recompilation of *function* that *payload* tells of: a guard for each that was compiled, the newest first."""
    text = payload
    if payload.startswith("["):
        told = json.loads(payload)
        text = str(told[0]) if told else ""
    first = text.partition("\n")[0]
    found = _GUARD.match(first)
    frames = frames_in(text)
    line = innermost(frames) if frames else function
    return Recompilation(
        guard=without_addresses(found["guard"].strip() if found else first), module=module, line=code_line(line)
    )


def frames_in(text: str) -> tuple[SourceLine, ...]:
    """The frames of a traceback, the innermost last."""
    found = _FRAME.finditer(text)
    return tuple(SourceLine(one["file"], int(one["line"]), plain_name(one["function"].strip())) for one in found)


def innermost(frames: tuple[SourceLine, ...]) -> SourceLine | None:
    """The innermost of *frames* that is neither PyTorch's nor of the standard library; else the innermost."""
    return next((frame for frame in reversed(frames) if is_users(frame.file)), frames[-1] if frames else None)


@lru_cache(maxsize=1024)
def is_users(file: str) -> bool:
    """Whether *file* is neither part of PyTorch, nor of this package, nor of the standard library."""
    name = file.replace("\\", "/")
    if name.startswith((*SKIPPED_FOLDERS, "<")):
        return False
    return "/site-packages/" in name or not name.startswith(_LIBRARY_FOLDERS)


def plain_name(function: str) -> str:
    """The name of the function that *function* goes on with after a graph break; any other as it is."""
    found = _RESUMED.match(function)
    return found["function"] if found else function


def code_line(line: SourceLine | None) -> CodeLine:
    """The line of code at *line*, with its text."""
    if line is None:
        return CodeLine("", "")
    text = linecache.getline(line.file, line.line).strip()
    return CodeLine(Path(line.file).name, line.function, text, line, package_of(line.file))


@lru_cache(maxsize=1024)
def package_of(file: str) -> str:
    """The top package that *file* is in, by the folders with an ``__init__.py``; a script is its own."""
    path = Path(file)
    found = path.stem
    for folder in path.parents:
        if not (folder / "__init__.py").is_file():
            break
        found = folder.name
    return found


def without_addresses(text: str) -> str:
    """*text* without what is another in every process."""
    return _ADDRESS.sub("…", text)


def function_line(file: str, line: int, name: str) -> SourceLine:
    """Where the function *name* begins, or goes on after a graph break."""
    return SourceLine(file, line, plain_name(name))
