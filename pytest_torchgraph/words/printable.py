"""Text of others on its way to a terminal, which would obey some of it."""

from __future__ import annotations

import re

_BETWEEN = re.compile(r"[^\n\t]+")


def printable(text: str) -> str:
    """*text* on one line; what a terminal obeys or does not show, line ends too, is written as Python escapes it."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def printable_lines(text: str) -> str:
    """*text* with its line ends and tabs, all between them as :func:`printable` gives it."""
    return _BETWEEN.sub(lambda part: printable(part[0]), text)
