"""Errors at a line of code, as GitHub Actions reads them."""

from __future__ import annotations

from dataclasses import replace

from pytest_torchgraph.report.annotation import MOST, error_lines
from pytest_torchgraph.report.case import Place, report_of
from tests.report.cases import HOSTILE, case, drift


def test_a_change_is_one_error_at_its_line() -> None:
    report = report_of([replace(drift("a"), place=Place("src/a,b:c.py", 12)), drift("b"), case("c", "same")])
    assert error_lines(report) == [
        (
            "::error file=src/a%2Cb%3Ac.py,line=12,title=torchgraph%3A 3f2a0000::a: +1 aten.clone (0 -> 1)"
            "%0A  layers.0  +clone of %25mm   m.py:3%0Aand the same in 1 more: b"
        )
    ]


def test_there_are_never_more_than_github_shows_and_the_last_counts_the_rest() -> None:
    lines = error_lines(report_of(drift(f"t{number}", f"{number}") for number in range(25)))
    assert len(lines) == MOST
    assert lines[-1] == "::error title=torchgraph::and 16 more changes"


def test_what_does_not_fail_is_no_error() -> None:
    assert error_lines(report_of([case("a", "updated"), case("b", "recorded"), case("c", "note")])) == []


def test_text_of_a_model_begins_no_command_of_its_own() -> None:
    lines = error_lines(report_of(case(f"{text}\n::add-mask::x", "drift") for text in HOSTILE))
    assert len(lines) == len(HOSTILE)
    assert not any("\n" in line or "\r" in line for line in lines)


def test_files_are_named_from_the_workspace() -> None:
    placed = [replace(drift(name), place=Place(name, 3)) for name in ("src/a.py", "../shared/b.py")]
    told = [error_lines(report_of([each]), "libs/one")[0].partition(",line")[0] for each in placed]
    assert told == ["::error file=libs/one/src/a.py", "::error file=libs/shared/b.py"]


def test_no_escape_of_others_is_printed() -> None:
    placed = replace(drift("a\x1b[2J\t"), place=Place("m\x1b\x9b.py", 3))
    assert not any(char in line for line in error_lines(report_of([placed])) for char in "\x1b\x9b")
