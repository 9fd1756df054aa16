"""``torchgraph report``: what several files tell alike is counted once, and what two tell otherwise is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_torchgraph.cli.main import main
from pytest_torchgraph.report.case import Case, report_of
from pytest_torchgraph.report.json import read, render
from tests.report.cases import case, drift


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)


def write(name: str, *cases: Case) -> None:
    Path(name).write_text(render(report_of(cases)), encoding="utf-8")


def merge(*names: str) -> list[str]:
    assert main(["report", "merge", *names, "-o", "all.json"]) == 0
    return [found.test for found in read(Path("all.json").read_text("utf-8")).cases]


@pytest.mark.parametrize("second", ["a.json", "copy.json"])
def test_a_run_that_is_given_twice_is_counted_once_and_that_is_said(
    second: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("a.json", drift("t.py::one"), case("t.py::two", "same"))
    write("copy.json", drift("t.py::one"), case("t.py::two", "same"))
    assert merge("a.json", second) == ["t.py::one", "t.py::two"]
    told = capsys.readouterr()
    assert told.out == "all.json: 2 graphs: 1 drifted, 1 unchanged\n"
    assert told.err == f"torchgraph: {second}: an earlier file tells all its graphs too; each is counted once.\n"


def test_a_run_from_another_folder_is_the_same_run() -> None:
    here = drift("t.py::one")
    there = replace(here, outline=replace(here.outline, accept="pytest ../t.py::one --torchgraph-update"))
    write("a.json", here)
    write("b.json", there)
    assert merge("a.json", "b.json") == ["t.py::one"]


def test_of_files_that_overlap_the_common_part_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.json", drift("t.py::one"), case("t.py::two", "same"))
    write("b.json", case("t.py::two", "same"), case("t.py::three", "same"), drift("t.py::one", "beef0000"))
    assert merge("a.json", "b.json") == ["t.py::one", "t.py::one", "t.py::three", "t.py::two"]
    assert "torchgraph: b.json: an earlier file tells 1 of its 3 graphs too" in capsys.readouterr().err


def test_files_that_share_nothing_are_merged_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.json", drift("t.py::one"))
    write("b.json", case("t.py::two", "same"))
    merge("a.json", "b.json")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "1e999", "9" * 5000])
@pytest.mark.parametrize("form", ["json", "md", "html"])
def test_numbers_that_json_does_not_have_are_refused_in_one_line(
    number: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = render(report_of([replace(drift("t"), view={"a": 1})])).replace('"a":1', f'"a":{number}')
    assert number in text
    Path("a.json").write_text(text, encoding="utf-8")
    assert main(["report", "merge", "a.json", "--format", form]) == 2
    said = capsys.readouterr().err
    assert said.startswith("torchgraph: a.json: no JSON (")
    assert len(said.splitlines()) == 1
    assert "is none of its numbers" in said


@pytest.mark.parametrize("form", ["json", "md", "html", "txt"])
def test_half_a_character_is_written_as_its_escape(form: str) -> None:
    write("a.json", drift("t\ud800.py::one"))
    assert main(["report", "merge", "a.json", "-o", f"all.{form}"]) == 0
    assert Path(f"all.{form}").read_text("utf-8")


def test_a_byte_order_mark_is_read_over() -> None:
    write("a.json", drift("t"))
    Path("a.json").write_bytes(b"\xef\xbb\xbf" + Path("a.json").read_bytes())
    assert merge("a.json") == ["t"]


def test_two_reports_are_compared_graph_by_graph(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.json", drift("t.py::one"), case("t.py::two", "same"))
    write("b.json", case("t.py::two", "drift"), case("t.py::three", "same"), drift("t.py::one", "beef0000"))
    assert main(["report", "diff", "a.json", "a.json"]) == 0
    assert capsys.readouterr().out == "a.json -> a.json: the same\n"
    assert main(["report", "diff", "a.json", "b.json"]) == 1
    head, *told = capsys.readouterr().out.splitlines()
    assert head == "a.json -> b.json: 4 differences"
    assert any(line.startswith("~ t.py::two") and line.endswith(".status: same -> drift") for line in told)
    assert any(line.startswith("+ t.py::three") for line in told)
    assert sum("changes" in line and "beef0000" in line for line in told) == 1
    assert main(["report", "diff", "a.json", "b.json", "--format", "json"]) == 1
    assert {each["way"] for each in json.loads(capsys.readouterr().out)} == {"changed", "added", "removed"}


def test_two_analyses_are_compared_by_the_names_of_their_rows(capsys: pytest.CaptureFixture[str]) -> None:
    whole = {"model": "M", "performance": {"operations": 3}, "critical_path": {}, "memory": {"peak": 1}, "kinds": []}
    first, second = ({"path": path, "operations": 1} for path in ("0", "1.attn"))
    before = {**whole, "layers": [first, second]}
    after = {**whole, "layers": [{"path": "new", "operations": 1}, first, {**second, "operations": 1.0}]}
    for name, found in (("a.json", before), ("b.json", after)):
        Path(name).write_text(json.dumps(found), encoding="utf-8")
    assert main(["report", "diff", "a.json", "b.json"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "~ layers[1.attn].operations: 1 -> 1.0",
        '+ layers.new: {"path": "new", "operations": 1}',
    ]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "torchgraph report"}', "[" * 100_000])
def test_what_is_neither_is_one_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    write("a.json", drift("t.py::one"))
    Path("b.json").write_text(text, encoding="utf-8")
    assert main(["report", "diff", "a.json", "b.json"]) == 2
    error = capsys.readouterr().err
    assert "b.json" in error
    assert error.count("\n") == 1
