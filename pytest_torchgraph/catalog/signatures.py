"""How a callable is called: from ``inspect``, else from the first lines of its docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from pytest_torchgraph.catalog.entry import SignatureSource

SAYS_NOTHING = re.compile(r"\(\*args(: [^,]+)?, \*\*kwargs(: [^,]+)?\)( -> .*)?|\(self, \*args, \*\*kwargs\)")
DIRECTIVE = re.compile(r"^\s*\.\. (?:function|method|py:function):: ")
# An object whose text is its address reads differently in every process.
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def signatures_of(function: Any, name: str) -> tuple[tuple[str, ...], SignatureSource]:
    """Every way to call *function*, and who says so."""
    written = tuple(dict.fromkeys(documented(getattr(function, "__doc__", None), name)))
    inspected = inspected_signature(function)
    if inspected is not None and not (written and SAYS_NOTHING.fullmatch(inspected)):
        return (inspected,), "inspect"
    return (written, "docstring") if written else ((), "unknown")


def inspected_signature(function: Any) -> str | None:
    """The signature that Python knows; ``None`` for most of what is written in C++."""
    try:
        return ADDRESS.sub("", str(inspect.signature(function)))
    except (ValueError, TypeError, NameError, AttributeError):
        return None


def documented(docstring: Any, name: str) -> Iterator[str]:
    """The signatures that *docstring* opens with or declares: a line that calls *name*, without the name."""
    if not isinstance(docstring, str):
        return
    call = re.compile(rf"^\s*(?:[\w.]+\.)?{re.escape(name)}(?=\()")
    lines = docstring.strip().splitlines()
    opening = True
    for position, line in enumerate(lines):
        declared = DIRECTIVE.sub("", line)
        if call.match(declared) and (opening or declared != line):
            text = whole_call(call.sub("", declared), lines[position + 1 :])
            if text is not None:
                yield text
        elif line.strip():
            opening = False


def whole_call(text: str, following: list[str]) -> str | None:
    """*text* up to the end of the line in which its parenthesis closes; ``None`` when it never does."""
    text = text.strip()
    for line in [*following[:8], ""]:
        if text.count("(") <= text.count(")"):
            end = closing(text)
            return None if end is None else text[: end + 1] + returned(text[end + 1 :])
        text = f"{text.rstrip(chr(92)).rstrip()} {line.strip()}"
    return None


def closing(text: str) -> int | None:
    """Where the parenthesis that opens *text* closes."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return position
    return None


def returned(rest: str) -> str:
    """The arrow and type after a call, without what a sentence may go on to say."""
    found = re.match(r"\s*->\s*(\S.*)", rest)
    return f" -> {found[1].strip().rstrip(chr(58))}" if found else ""
