"""The JSON schema says just what a report holds."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from importlib.resources import files
from typing import Any, get_args

import pytest
import torch
from torch import nn

from pytest_torchgraph import trace
from pytest_torchgraph.comparison import compare
from pytest_torchgraph.report import case as records
from pytest_torchgraph.report import outline as words
from pytest_torchgraph.report.case import Place, report_of
from pytest_torchgraph.report.json import FORMAT, VERSION, render
from pytest_torchgraph.report.view import view_of
from pytest_torchgraph.words.status import Outlined, Status
from tests.diff.programs import attention, layers
from tests.report.cases import case, drift, seen

RECORDS = {
    "case": records.Case,
    "metric": records.Metric,
    "place": records.Place,
    "outline": words.Outline,
    "section": words.Section,
    "row": words.Row,
}


def schema() -> Any:
    return json.loads(files("pytest_torchgraph.report").joinpath("report.schema.json").read_text(encoding="utf-8"))


def complaints(report: Any) -> list[str]:
    validator = pytest.importorskip("jsonschema", reason="jsonschema is not installed").Draft202012Validator
    validator.check_schema(schema())
    return [error.message for error in validator(schema()).iter_errors(report)]


def whole() -> Any:
    """A report with cases of every kind, one of them of a training step that was recorded here."""
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))
    step = trace(model, torch.zeros(2, 4), backward=True)
    comparison = compare(step, step)
    view = view_of(step.canonical, step.canonical, comparison.difference, recorded=(step, step))
    recorded = records.case_of(comparison, test="step", view=view, place=Place("m.py", 3))
    named = [case(status, status) for status in get_args(Status)]
    graphs = [seen(layers(3), layers(2)), seen(attention(2), attention(2, mask=True, is_causal=False), "sdpa")]
    return json.loads(render(report_of([drift("a"), *named, *graphs, recorded])))


def test_every_report_is_as_the_schema_says() -> None:
    assert complaints(whole()) == []
    assert complaints(json.loads(render(report_of([])))) == []


@pytest.mark.parametrize("name", RECORDS)
def test_the_schema_has_just_the_fields_of_each_record(name: str) -> None:
    assert set(schema()["$defs"][name]["properties"]) == {field.name for field in fields(RECORDS[name])}


def test_the_schema_names_every_status_and_the_version() -> None:
    found = schema()
    assert found["$defs"]["case"]["properties"]["status"]["enum"] == list(get_args(Status))
    assert found["$defs"]["outline"]["properties"]["status"]["enum"] == list(get_args(Outlined))
    assert found["properties"]["version"]["const"] == VERSION
    assert found["properties"]["format"]["const"] == FORMAT


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("cases", 0, "status"), "odd"),
        (("cases", 0, "outline", "title"), 3),
        (("cases", 0, "metrics", 0, "after"), "3"),
        (("cases", 0, "place"), {"file": "m.py"}),
    ],
)
def test_what_is_no_report_is_refused_by_the_schema(path: tuple[Any, ...], value: object) -> None:
    report = json.loads(render(report_of([replace(drift("a"), place=Place("m.py", 1))])))
    inner = report
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert len(complaints(report)) == 1


def test_a_view_with_a_row_too_short_is_refused_by_the_schema() -> None:
    report = whole()
    viewed = next(one for one in report["cases"] if one["view"])
    viewed["view"]["operations"]["rows"][0].pop()
    assert complaints(report)
