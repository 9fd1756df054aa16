from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pytest_torchgraph.drawing import dot_text, draw, save
from pytest_torchgraph.drawing.errors import EXTRA, CannotDraw, ExtraMissing
from pytest_torchgraph.drawing.icicle import icicle
from pytest_torchgraph.drawing.options import Options
from pytest_torchgraph.drawing.timeline import timeline
from tests.drawing.graphs import forward, from_file, step

PICTURES = [
    {"picture": "graph"},
    {"picture": "graph", "by": "time"},
    {"picture": "graph", "by": "memory", "unfold": True},
    {"picture": "graph", "by": "flops", "dark": True, "depth": 1},
    {"picture": "memory"},
    {"picture": "memory", "dark": True},
    {"picture": "icicle"},
    {"picture": "icicle", "by": "operations", "dark": True},
    {"picture": "compare", "before": forward()},
    {"picture": "graph", "by": "change", "before": forward()},
]
SIGNS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF", "html": b"<"}


@pytest.fixture(autouse=True)
def _libraries() -> None:
    pytest.importorskip("plotly")
    pytest.importorskip("matplotlib")
    pytest.importorskip("grandalf")


@pytest.mark.parametrize("options", PICTURES, ids=lambda options: "-".join(map(str, options)))
@pytest.mark.parametrize("suffix", ["html", "png"])
def test_every_picture_is_written(options: dict[str, Any], suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"picture.{suffix}"
    assert save(step(), path, **options) == str(path)
    assert path.read_bytes().startswith(SIGNS[suffix])
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_the_same_graph_gives_the_same_bytes(suffix: str, tmp_path: Path) -> None:
    one, other = tmp_path / f"one.{suffix}", tmp_path / f"other.{suffix}"
    save(forward(), one)
    save(forward(), other)
    assert one.read_bytes() == other.read_bytes()
    assert one.read_bytes().startswith(SIGNS[suffix])


def test_a_page_needs_nothing_from_the_network() -> None:
    page = draw(forward()).to_html()
    assert not re.search(r"<(?:script|link|img)[^>]*(?:src|href)=", page)
    assert "plotly_click" in page


def test_a_page_offers_every_depth_and_shows_one() -> None:
    figure = draw(step())
    (menu,) = figure.layout.updatemenus
    assert [button.label for button in menu.buttons][-1] == "all open"
    shown = [trace for trace in figure.data if trace.visible]
    assert 0 < len(shown) < len(figure.data)


def test_a_box_tells_shapes_time_memory_flops_and_source() -> None:
    told = "\n".join(
        text for trace in draw(step(), unfold=True).data if trace.visible for text in trace.hovertext or ()
    )
    for part in ("f32[4,8]", "time  ", "bytes made  ", "FLOPs  ", "graphs.py:", "aten.addmm.default"):
        assert part in told


def test_names_are_escaped() -> None:
    page = draw(forward(), title="<script>alert(1)</script>").to_html()
    assert "<script>alert(1)" not in page


def test_matplotlib_text_stays_text_in_svg(tmp_path: Path) -> None:
    save(forward(), tmp_path / "a.svg")
    assert ">head: Linear<" in (tmp_path / "a.svg").read_text("utf-8")


def test_the_timeline_adds_up_to_the_recorded_one() -> None:
    bands = timeline(step(), Options()).bands
    sums = [sum(column) for column in zip(*(band.bytes for band in bands), strict=True)]
    assert tuple(sums[1:]) == step().memory.timeline
    assert max(sums) == step().memory.peak == sums[timeline(step(), Options()).peak_at]


def test_the_peak_is_named() -> None:
    assert re.fullmatch(r"peak [\d.]+ KiB at [\w. ]+: \w+", timeline(step(), Options()).peak_text)


def test_strips_fill_what_they_lie_beneath_and_no_more() -> None:
    strips = icicle(step(), Options(picture="icicle", by="flops")).strips
    for number, strip in enumerate(strips):
        parts = [part for part in strips if part.parent == number]
        assert sum(part.size for part in parts) <= strip.size * 1.0001
        assert all(
            strip.start - 1e-9 <= part.start and part.start + part.width <= strip.start + strip.width + 1e-9
            for part in parts
        )


@pytest.mark.parametrize("picture", ["graph", "icicle"])
def test_a_graph_from_a_file_is_drawn(picture: str, tmp_path: Path) -> None:
    save(from_file(), tmp_path / "a.html", picture=picture)
    save(from_file(), tmp_path / "a.png", picture=picture)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "time"}, "no times were recorded"),
        ({"by": "flops"}, "no FLOPs"),
        ({"picture": "memory"}, "trace the model"),
        ({"by": "change"}, "second graph"),
        ({"picture": "compare"}, "second graph"),
        ({"depth": 0}, "1 or more"),
        ({"renderer": "gnuplot"}, "unknown renderer 'gnuplot': choose one of plotly, matplotlib"),
        ({"picture": "pie"}, "unknown picture 'pie': choose one of graph, memory, icicle, compare"),
        ({"by": "colour"}, "unknown measure 'colour': choose one of kind, time, memory, flops, change"),
    ],
)
def test_what_cannot_be_drawn_is_told(options: dict[str, Any], message: str) -> None:
    with pytest.raises(CannotDraw, match=message):
        draw(from_file(), **options)


@pytest.mark.parametrize("renderer", ["plotly", "matplotlib"])
def test_a_missing_library_is_told_in_one_line(renderer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "pytest_torchgraph.drawing.errors.find_spec", lambda name: None if name == renderer else found(name)
    )
    with pytest.raises(ExtraMissing) as caught:
        draw(forward(), renderer)
    assert str(caught.value) == f"{renderer} is not installed, and this picture needs it: {EXTRA}"


def test_an_unknown_format_lists_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(CannotDraw, match="unknown format 'gif': choose one of html, png, svg, pdf, dot"):
        save(forward(), tmp_path / "a.gif")


@pytest.mark.parametrize("name", ["nowhere/a.png", "folder.png"])
def test_a_path_that_cannot_be_written_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OSError, match="cannot be written"):
        save(forward(), tmp_path / name)


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.dot"
    path.write_text("before", "utf-8")

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        save(forward(), path)
    assert path.read_text("utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_dot_is_read_by_graphviz() -> None:
    text = dot_text(step())
    assert text == dot_text(step())
    assert "×6" in text
    assert "×6" not in dot_text(forward(), unfold=True)
    if shutil.which("dot") is None:
        pytest.skip("Graphviz's dot is not installed")
    done = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, text=True, check=True)  # noqa: S607 -- as users have it
    assert not done.stderr
    assert "<svg" in done.stdout


def test_quotes_in_dot_are_escaped() -> None:
    from pytest_torchgraph.drawing.dot import quoted

    assert quoted('a"b\\c\nd') == '"a\\"b\\\\c\\nd"'
