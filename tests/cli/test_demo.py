"""``torchgraph demo``: the whole story, and nothing left behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from pytest_torchgraph.cli.main import main
from pytest_torchgraph.cli.verbs.project import demo, demo_project

pytest.importorskip("torch")


def test_the_edit_is_in_both_models() -> None:
    for text in (demo_project.TRANSFORMERS_MODEL, demo_project.PLAIN_MODEL):
        assert text.count(demo_project.BEFORE) == 1
        compile(text, "model.py", "exec")


def test_the_demonstration_runs_to_its_end_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_project, "has_transformers", lambda: False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert main(["demo"]) == 0
    shown = capfd.readouterr().out
    steps = ["recorded snapshots/", "1 failed, 1 passed", "+16 aten.clone", "accept: pytest", "updated snapshots/"]
    places = [shown.index(step) for step in steps]
    assert places[0] < min(places[1:4]) < max(places[1:4]) < places[4]
    assert shown.count(" 2 passed in ") == 3
    assert "model.py:" in shown
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_ends_otherwise_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo_project, "has_transformers", lambda: False)
    monkeypatch.setattr(demo_project, "TEST", "def test_broken():\n    assert False\n")
    assert main(["demo", "--keep", str(tmp_path / "kept")]) == 2
    assert "pytest ended with 1 where the demonstration expects 0" in capsys.readouterr().err
    assert (tmp_path / "kept/model.py").exists()


def test_a_folder_in_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").touch()
    assert main(["demo", "--keep", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert main(["demo", "--keep", str(tmp_path / "mine")]) == 2


def test_without_pytorch_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    assert main(["demo"]) == 2
    assert "pip install torch" in capsys.readouterr().err
