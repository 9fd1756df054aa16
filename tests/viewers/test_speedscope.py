"""Timelines opened in speedscope, where it is installed: ``npm install -g speedscope``."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pytest_torchgraph.tracking.export import render
from pytest_torchgraph.tracking.export.chrome import HOST
from tests.viewers import steps
from tests.viewers.browser import opened

SPEEDSCOPE = shutil.which("speedscope")
pytestmark = pytest.mark.skipif(SPEEDSCOPE is None, reason="speedscope is not installed")
UNITS = {"ns": 1e-3, "µs": 1.0, "ms": 1e3, "s": 1e6}
ROW = re.compile(r"^([\d.]+)(ns|µs|ms|s) \([^)]*\)\n\s*([\d.]+)(ns|µs|ms|s) \([^)]*\)\n\s*(.+)$", re.MULTILINE)
"""A row of its table: the time in all, the time of itself, the name."""


def shown(text: str, folder: Path) -> tuple[dict[str, float], list[str]]:
    """The microseconds of each name of a timeline as speedscope tells them, and what it says on its console."""
    assert SPEEDSCOPE is not None
    file = folder / "timeline.json"
    file.write_text(text, encoding="utf-8")
    page_of = Path(SPEEDSCOPE).resolve().parents[1] / "dist" / "release" / "index.html"
    with opened("--allow-file-access-from-files", height=8000) as (page, said):
        page.goto(page_of.as_uri())
        page.set_input_files("input[type=file]", str(file))
        page.wait_for_selector("text=Sandwich")
        page.keyboard.press("3")
        page.wait_for_selector("text=Symbol Name")
        table = settled(page)
    return {name: float(number) * UNITS[unit] for number, unit, *_, name in ROW.findall(table)}, said


def settled(page: Any) -> str:
    """What a page shows when it shows nothing new any more: rows are drawn by and by."""
    before, text = "", page.inner_text("body")
    while text != before:
        page.wait_for_timeout(500)
        before, text = text, page.inner_text("body")
    return str(text)


def told(text: str) -> dict[str, float]:
    """The microseconds of each name of the host's row in a timeline, as speedscope makes names of events."""
    found: Counter[str] = Counter()
    for event in json.loads(text)["traceEvents"]:
        if event["ph"] == "X" and event["tid"] == HOST:
            found[speedscope_name(event)] += event["dur"]
    return dict(found)


def speedscope_name(event: dict[str, Any]) -> str:
    """The name, and all that is told of the event, as JSON."""
    return f"{event['name']} {json.dumps(event['args'], separators=(',', ':'), ensure_ascii=False)}"


def complaints(said: list[str]) -> list[str]:
    """What speedscope says where it cannot nest events."""
    return [text for text in said if "Tried to end" in text or "still open" in text or "ailed" in text]


@pytest.mark.parametrize("name", ["small", "checkpointed", "reused_module"])
def test_every_event_is_shown_with_its_time(name: str, tmp_path: Path) -> None:
    text = render(steps.of(name), "chrome")
    seen, said = shown(text, tmp_path)
    expected = told(text)
    assert complaints(said) == []
    assert seen.keys() == expected.keys()
    wrong = {key: (seen[key], value) for key, value in expected.items() if abs(seen[key] - value) > 0.01 + value / 100}
    assert wrong == {}


def test_an_event_that_ends_after_the_one_around_it_is_complained_about(tmp_path: Path) -> None:
    common = {"ph": "X", "pid": 1, "tid": 1, "args": {}}
    events = [{**common, "name": "outer", "ts": 0, "dur": 10}, {**common, "name": "inner", "ts": 5, "dur": 8}]
    assert complaints(shown(json.dumps({"traceEvents": events}), tmp_path)[1])
