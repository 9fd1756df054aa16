"""C++ as its compiler sees it on Linux, as far as a grammar without a preprocessor needs it.

Everything is replaced by blanks of the same length, so that lines and columns stay those of the file.
"""

from __future__ import annotations

import re

EXPORT = re.compile(rb"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:API|API_ENUM|EXPORT|HIDDEN)\b")
"""Names of macros that say what a library exports: ``TORCH_API``. The grammar would read them as types."""
PLACEHOLDER = re.compile(rb"\$\{[^}\n]*\}")
"""A hole in a template of code generation: ``${all_headers}``."""
ALONE = re.compile(rb"^[ \t]*[A-Za-z]+(?:_[A-Z0-9]+)+[ \t]*$", re.MULTILINE)
"""A macro that fills a line without a semicolon: ``HANDLE_TH_ERRORS``."""
EMPTY_DEFAULT = re.compile(rb"=[ \t]*\{\}(?=[ \t]*[,)])")
"""A parameter that is empty by default: ``TensorOptions options = {}``."""
DIRECTIVE = re.compile(rb"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b(.*)$", re.DOTALL)
WINDOWS = re.compile(rb"\b(?:_WIN32|_WIN64|_MSC_VER)\b")
NEGATED = re.compile(rb"!\s*defined\s*\(?\s*(?:_WIN32|_WIN64|_MSC_VER)")
INK = re.compile(rb"[^\s]")


def masked(source: bytes) -> bytes:
    """*source* without macros that stand where the grammar expects none, and without what only Windows compiles."""
    lines = _without_windows(source.splitlines(keepends=True))
    return b"".join(line if line.lstrip().startswith(b"#") else _without_macros(line) for line in lines)


def _without_macros(line: bytes) -> bytes:
    for pattern in (EXPORT, PLACEHOLDER, ALONE, EMPTY_DEFAULT):
        line = pattern.sub(_blank, line)
    return line


def _without_windows(lines: list[bytes]) -> list[bytes]:
    """Both branches of a class head, each opening a brace that one closes, are no C++ to a grammar."""
    kept: list[bytes] = []
    asked: list[bool | None] = []  # per open condition: whether this branch is for Windows; None where it is not asked
    for line in lines:
        found = DIRECTIVE.match(line)
        if found:
            about_windows = _step(asked, found[1], found[2])
            kept.append(_blank_line(line) if about_windows or any(asked) else line)
        else:
            kept.append(_blank_line(line) if any(asked) else line)
    return kept


def _step(asked: list[bool | None], word: bytes, condition: bytes) -> bool:
    """Enter, turn or leave a condition; whether it is one about Windows."""
    if word.startswith(b"if"):
        asked.append(_for_windows(word, condition))
        return asked[-1] is not None
    if not asked:
        return False
    about = asked[-1] is not None
    if word == b"endif":
        asked.pop()
    elif about:
        asked[-1] = not asked[-1]
    return about


def _for_windows(word: bytes, condition: bytes) -> bool | None:
    if not WINDOWS.search(condition):
        return None
    return word != b"ifndef" and not NEGATED.search(condition)


def _blank(found: re.Match[bytes]) -> bytes:
    return b" " * len(found[0])


def _blank_line(line: bytes) -> bytes:
    return INK.sub(b" ", line)
