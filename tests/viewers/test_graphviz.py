"""Graphs drawn by Graphviz, where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from html import unescape
from xml.etree import ElementTree as ET

import pytest

from pytest_torchgraph.tracking.export import render
from tests.viewers import steps

DOT = shutil.which("dot")
pytestmark = pytest.mark.skipif(DOT is None, reason="Graphviz is not installed")
SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> tuple[list[str], str]:
    """The texts of the picture that Graphviz draws, and its complaints."""
    assert DOT is not None
    done = subprocess.run([DOT, "-Tsvg"], input=text, capture_output=True, text=True, check=True, encoding="utf-8")
    return [one.text or "" for one in ET.fromstring(done.stdout).iter(f"{SVG}text")], done.stderr  # noqa: S314 -- its own


@pytest.mark.parametrize("name", ["small", "checkpointed", "reused_module"])
def test_every_label_is_drawn_as_it_is_and_nothing_is_complained_about(name: str) -> None:
    text = render(steps.of(name), "dot")
    seen, complaints = drawn(text)
    labels = re.findall(r'label="((?:[^"\\]|\\.)*)"', text)
    lines = [line for label in labels for line in re.split(r"(?<!\\)(?:\\\\)*\\n", label)]
    told = [unescape(re.sub(r"\\(.)", r"\1", line)) for line in lines]
    assert complaints == ""
    assert sorted(plain(line) for line in seen) == sorted(plain(line) for line in told if line)


def plain(line: str) -> str:
    """*line* with one kind of space."""
    return " ".join(line.split())


def test_an_odd_name_is_drawn() -> None:
    seen, _ = drawn(render(steps.small(), "dot"))
    assert any(plain(steps.ODD) in plain(line) for line in seen)
