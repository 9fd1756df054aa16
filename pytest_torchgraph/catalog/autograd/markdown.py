"""Markdown of text that comes from sources: nothing in it is taken for markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~])")


def plain(text: str) -> str:
    """*text* as it is, whatever it contains."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """*text* as code, also in a table."""
    text = " ".join(text.split())
    fence = "``" if "`" in text else "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|") if text else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; cells are Markdown already."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]


def anchor(title: str) -> str:
    """The link target that renderers make of a heading."""
    return "#" + re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def page(title: str, *sections: Iterable[str]) -> str:
    """One document; sections are separated by a line."""
    blocks = ["\n".join(lines) for lines in sections]
    return "\n\n".join([f"# {title}", *(block for block in blocks if block)]) + "\n"
