"""A report as one page that needs no network: the words, both graphs side by side, modules, memory, operations."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html import escape
from importlib.resources import files

from pytest_torchgraph.report.case import Case, Report
from pytest_torchgraph.report.json import VERSION, plain
from pytest_torchgraph.report.terminal import render as terminal
from pytest_torchgraph.verdict.quantity import moved_text

MOST_SEEN = 24 * 1024 * 1024
"""Bytes of both graphs of all cases; a browser opens that much."""
_SLOT = re.compile(r"\{\{(\w+)\}\}")
SCRIPTS = ("elements.js", "frame.js", "case.js", "lines.js", "modules.js", "memory.js", "operations.js", "keys.js")
"""One script in the order in which it is read: what stands first is known to what follows."""
_UNSAFE = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&"})


def render(report: Report) -> str:
    """The page.

    No text of a model is ever parsed as HTML: the data is JSON without ``<``, which the script turns into text nodes.
    The page's own policy forbids every other script, and any address.
    """
    style, script = _text("page.css"), "\n".join(map(_text, SCRIPTS))
    filled = {
        "policy": _policy(style, script),
        "title": escape(f"torchgraph: {report.headline}"),
        "style": style,
        "script": script,
        "data": _data(report),
        "plain": escape("\n\n".join(_plain(report))),
    }
    return _SLOT.sub(lambda found: filled[found[1]], _text("page.html"))


def _text(name: str) -> str:
    """One of the files that a page is made of."""
    return files(__package__).joinpath("page").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Only the *style* and the *script* of the page may do anything."""
    allowed = f"style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'"
    return escape(f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _data(report: Report) -> str:
    data = {"version": VERSION, "headline": report.headline, "counts": report.counts, "cases": _cases(report)}
    return json.dumps(data, separators=(",", ":"), allow_nan=False).translate(_UNSAFE)


def _cases(report: Report) -> list[object]:
    """The cases as they are drawn; once the graphs are too many, one of each change keeps them, then none."""
    first = {id(change.cases[0]) for change in report.changes}
    sizes = {id(case): len(json.dumps(case.view)) for case in report.cases if case.view is not None}
    left = MOST_SEEN
    seen: set[int] = set()
    for case in sorted(report.cases, key=lambda case: id(case) not in first):
        left -= sizes.get(id(case), 0)
        if left >= 0:
            seen.add(id(case))
    return [_drawn(case, kept=id(case) in seen) for case in report.cases]


def _drawn(case: Case, *, kept: bool) -> dict[str, object]:
    drawn = plain(case if kept else replace(case, view=None))
    for metric, told in zip(drawn["metrics"], case.metrics, strict=True):
        metric["moved"] = moved_text(told.before or 0, told.after or 0) if None not in (told.before, told.after) else ""
    return {**drawn, "left_out": case.view is not None and not kept}


def _plain(report: Report) -> list[str]:
    """What a browser without scripts shows."""
    return [report.headline, *(terminal(case.outline, 1) for case in report.loud)]
