"""The page without a browser: one file, no address, and no text of a model that a browser would read as markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest

from pytest_torchgraph.report import html
from pytest_torchgraph.report.case import Metric, Report, report_of
from pytest_torchgraph.report.html import render
from tests.diff.programs import layers
from tests.report.cases import HOSTILE, case, drift, seen


class Page(HTMLParser):
    """Tags with their attributes, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and data.strip():
            self.scripts.append(data)

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.scripts[0])
        return found


def test_the_page_holds_what_the_json_report_holds() -> None:
    report = report_of([seen(layers(2), layers(3)), drift("b"), case("c", "same")])
    page = Page(render(report))
    data = page.data
    assert data["counts"] == report.counts
    assert [found["test"] for found in data["cases"]] == [found.test for found in report.cases]
    assert [tag for tag, _ in page.tags].count("script") == 2


def test_an_empty_report_is_a_page_too() -> None:
    assert Page(render(Report(()))).data["headline"] == "no graph was checked"


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_model_adds_no_tag_and_ends_no_script(text: str) -> None:
    plain, hostile = (Page(render(report_of([case(name, "drift", title=name)]))) for name in ("name", text))
    assert hostile.tags[: len(plain.tags)] == plain.tags
    assert len(hostile.tags) == len(plain.tags)
    assert len(hostile.scripts) == 2
    assert hostile.data["cases"][0]["test"] == text
    assert not re.search(r"[<>&]", hostile.scripts[0])


def test_a_name_that_no_encoding_can_write_is_written() -> None:
    assert Page(render(report_of([case("a\ud800", "drift")])).encode().decode())


def test_nothing_is_fetched_and_nothing_else_may_run() -> None:
    text = render(report_of([drift("a")]))
    page = Page(text)
    for tag, attributes in page.tags:
        assert tag not in {"link", "img", "iframe", "object", "base"}
        assert not {"src", "href", "srcset", "style"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert set(re.findall(r"https?://[^\s\"')]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|url\(", text)
    policy = next(found["content"] for tag, found in page.tags if found.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy


def test_the_script_makes_text_nodes_and_never_reads_html() -> None:
    text = "".join(file.read_text("utf-8") for file in files("pytest_torchgraph.report").joinpath("page").iterdir())
    readers = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|eval\(|Function\("
    )
    assert not re.search(readers, text)
    assert re.search(readers, "box.innerHTML = name")


def test_a_browser_without_scripts_shows_the_words() -> None:
    text = render(report_of([drift("<b>a</b>")]))
    assert "&lt;b&gt;a&lt;/b&gt;: +1 aten.clone" in text
    assert "<b>" not in text


def test_a_page_too_large_keeps_one_of_each_change_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    one = seen(layers(2), layers(3))
    report = report_of(replace(one, test=f"t{number}") for number in range(5))
    monkeypatch.setattr(html, "MOST_SEEN", int(1.5 * len(json.dumps(one.view))))
    cases: list[dict[str, object]] = Page(render(report)).data["cases"]
    assert [found["view"] is not None for found in cases] == [True, False, False, False, False]
    assert [found["left_out"] for found in cases] == [False, True, True, True, True]


def test_a_tile_tells_the_percentage_that_the_line_of_costs_tells() -> None:
    metrics = (Metric("peak", 1000, 1250), Metric("saved", 10, 1000), Metric("state", None, 3))
    (drawn,) = Page(render(report_of([replace(drift("a"), metrics=metrics)]))).data["cases"]
    assert [metric["moved"] for metric in drawn["metrics"]] == ["+25.0%", "×100", ""]
