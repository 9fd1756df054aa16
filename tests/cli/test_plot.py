from __future__ import annotations

import io
from pathlib import Path

import pytest

from pytest_torchgraph.capture import progress
from pytest_torchgraph.cli.files.snapshots import save, text_of
from pytest_torchgraph.cli.main import main
from pytest_torchgraph.diff.same import Same
from pytest_torchgraph.drawing import diagram
from pytest_torchgraph.drawing.marks import Marks, marks_of
from pytest_torchgraph.graph import Graph
from tests.drawing.graphs import forward, step

MODEL = """
import torch
def build():
    return torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU()), torch.randn(2, 4)
def loud():
    raise AssertionError("the model was built")
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("plotly")
    pytest.importorskip("matplotlib")
    pytest.importorskip("grandalf")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("plotted_model.py").write_text(MODEL, "utf-8")
    save(Path("before.torchgraph"), text_of(forward(), "test"))
    save(Path("after.torchgraph"), text_of(forward(copies=True), "test"))
    save(Path("step.torchgraph"), text_of(step(), "test"))


@pytest.mark.parametrize(
    "line",
    [
        "step.torchgraph -o a.html",
        "step.torchgraph --by memory -o a.png",
        "step.torchgraph --picture icicle --dark -o a.svg",
        "step.torchgraph -o a.dot",
        "after.torchgraph --before before.torchgraph -o a.pdf",
        "plotted_model:build --by time -o a.html",
        "plotted_model:build --picture memory --backward -o a.png",
        "plotted_model:build --before plotted_model:build -o a.png",
    ],
)
def test_a_picture_is_written(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", *line.split()]) == 0
    written = line.rpartition(" ")[2]
    assert Path(written).stat().st_size > 0
    assert capsys.readouterr().out.startswith(f"{written}: ")


def test_a_picture_of_changes_is_marked_by_the_project_s_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def marked(before: Graph, after: Graph, same: Same) -> Marks:
        seen.append(same)
        return marks_of(before, after, same)

    monkeypatch.setattr(diagram, "marks_of", marked)
    Path("pytest.ini").write_text("[pytest]\ntorchgraph_same = old=new\n", "utf-8")
    assert main(["plot", "after.torchgraph", "--before", "before.torchgraph", "-o", "a.html"]) == 0
    assert seen == [{"old": "new"}]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("plotted_model:loud -o a.gif", "unknown format 'gif'"),
        ("plotted_model:loud -o nowhere/a.png", "there is no folder nowhere"),
        ("plotted_model:loud --by colour -o a.png", "unknown measure 'colour'"),
        ("plotted_model:loud --picture pie -o a.png", "unknown picture 'pie'"),
        ("plotted_model:loud --picture compare -o a.png", "--before"),
        ("plotted_model:loud --picture memory -o a.dot", "as dot"),
        ("step.torchgraph --by time -o a.png", "no times were recorded"),
        ("step.torchgraph --picture memory -o a.png", "trace the model"),
        ("nothing.torchgraph -o a.png", "No such file"),
    ],
)
def test_what_cannot_be_drawn_ends_in_one_line_and_no_file(
    line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plot", *line.split()]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert not [path for path in Path().iterdir() if path.name.lstrip(".").startswith("a.")]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_long_drawing_tells_so_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.0)
    terminal = Terminal()
    with progress.shown_on(terminal):
        assert main(["plot", "step.torchgraph", "-o", "a.png"]) == 0
    assert "drawing: " in terminal.getvalue()
