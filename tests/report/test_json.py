"""The JSON report: written, read back as it was, merged, and refused in one line when it is not one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_torchgraph.report.case import Case, Metric, Place, Report, report_of
from pytest_torchgraph.report.json import ReportUnreadable, case_text, merged, read, read_case, render
from pytest_torchgraph.report.outline import Outline, Row, Section
from tests.report.cases import case, drift


def test_a_report_is_read_back_as_it_was_written() -> None:
    report = report_of([drift("a::b"), case("c", "same"), case("d", "budget")])
    assert read(render(report)) == report


def test_every_field_survives_the_way_through_an_event() -> None:
    section = Section(
        "+1 aten.clone", (Row("layers.0", "+clone", "m.py:3"),), "a hint", ("  + clone()",), True, change="f"
    )
    outline = Outline(
        status="drift",
        title="t: x",
        environment=("torch",),
        sections=(section,),
        cost="ops",
        accept="a",
        changes=("f", "g"),
    )
    whole = Case(
        test="t",
        status="drift",
        outline=outline,
        path="p",
        metrics=(Metric("peak", None, 3),),
        place=Place("m.py", 3),
        view={"lines": [["=", "\u2028<x>", None, []]]},
    )
    assert read_case(case_text(whole)) == whole


def test_the_head_says_format_version_and_headline() -> None:
    found = json.loads(render(report_of([case("a", "same"), drift("b")])))
    assert list(found) == ["format", "version", "headline", "complete", "cases"]
    assert found["headline"] == "2 graphs: 1 drifted, 1 unchanged"


def test_what_several_reports_tell_alike_is_told_once() -> None:
    one, other = report_of([case("a", "same"), drift("b")]), report_of([drift("b"), case("c", "missing")])
    both = merged(one, other)
    assert [found.test for found in both.cases] == ["b", "c", "a"]
    assert both.counts == {"drifted": 1, "without a snapshot": 1, "unchanged": 1}


def test_a_merged_report_is_complete_only_when_all_are() -> None:
    assert not merged(Report(()), Report((), complete=False)).complete
    assert read(render(Report((), complete=False))).headline == "no graph was checked (the session was cut short)"


GOOD = json.loads(render(report_of([drift("b")])))


def damaged(**fields: object) -> str:
    return json.dumps({**GOOD, "cases": [{**GOOD["cases"][0], **fields}]})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no torchgraph report"),
        ('{"format": "torchgraph report"}', "no torchgraph report"),
        (json.dumps({**GOOD, "version": 2}), "version 2"),
        (damaged(status="fine"), "case.status is 'fine'"),
        (damaged(outline=None), "case.outline is None"),
        (damaged(metrics=[{"name": "ops", "before": True, "after": 1}]), "case.metrics[0].before is True"),
        (damaged(place={"file": "x"}), "case.place has no 'line'"),
        (damaged(view=[1]), "case.view is [1]"),
        (json.dumps({**GOOD, "cases": [3]}), "case is 3"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line_that_names_the_file(text: str, words: str) -> None:
    with pytest.raises(ReportUnreadable) as caught:
        read(text, path="shard.json")
    assert str(caught.value).startswith("shard.json: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_graph_over_its_budget_is_told_once_though_it_is_unchanged() -> None:
    found = report_of(
        [case("t", "same", path="p"), case("t", "budget", path="p"), case("u", "same"), case("t", "same")]
    )
    assert [(one.test, one.status, one.path) for one in found.cases] == [
        ("t", "budget", "p"),
        ("t", "same", ""),
        ("u", "same", ""),
    ]


def test_a_graph_that_drifted_and_is_over_its_budget_is_one() -> None:
    drifted = replace(drift("b"), path="b.torchgraph")
    found = report_of([drifted, replace(drifted, status="budget")])
    assert found.headline == "1 graph: 1 drifted, 1 over budget"
