"""The file of results, of which each benchmark writes the sections that are its own."""

from __future__ import annotations

import re
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
_TITLE = re.compile(r"^# (.*)$", re.MULTILINE)


def put(title: str, lines: list[str]) -> None:
    """Write *lines* as the chapter *title*, in the place of the one of that name."""
    text = RESULTS.read_text(encoding="utf-8")
    starts = [*_TITLE.finditer(text)]
    found = {
        each[1]: text[each.start() : (starts[at + 1].start() if at + 1 < len(starts) else len(text))].strip()
        for at, each in enumerate(starts)
    }
    found[title] = "\n".join([f"# {title}", "", *lines]).strip()
    RESULTS.write_text("\n\n".join(found.values()) + "\n", encoding="utf-8")
