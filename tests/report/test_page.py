"""The page in a browser: it opens fast, shows what changed, obeys the keyboard, and runs nothing that a model says."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pytest_torchgraph import trace
from pytest_torchgraph.comparison import compare
from pytest_torchgraph.report.case import Case, Report, case_of, report_of
from pytest_torchgraph.report.html import render
from pytest_torchgraph.report.outline import Outline, Row, Section
from pytest_torchgraph.report.terminal import render as render_terminal
from pytest_torchgraph.report.view import view_of
from tests.diff.programs import Body, f32, layers, program
from tests.report.cases import HOSTILE, case, seen

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIFTED = "tests/test_m.py::test_drifted"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium on the path")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Shown:
    """A report in a tab of its own, with all that went wrong there."""

    def __init__(self, browser: Any, folder: Path, report: Report, scheme: str = "light") -> None:
        path = folder / "report.html"
        path.write_text(render(report), encoding="utf-8")
        self.tab = browser.new_page(viewport={"width": 1400, "height": 900}, color_scheme=scheme)
        self.faults: list[str] = []
        self.tab.on("pageerror", lambda error: self.faults.append(str(error)))
        self.tab.on("console", lambda line: self.faults.append(line.text) if line.type == "error" else None)
        self.tab.on("request", lambda request: self.faults.append(request.url) if request.url[:4] == "http" else None)
        self.tab.goto(path.as_uri())
        self.tab.wait_for_selector("html[data-ready]", state="attached")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.tab.keyboard.press(key)

    def texts(self, selector: str) -> list[str]:
        found: list[str] = self.tab.locator(selector).all_inner_texts()
        return found

    def ask(self, script: str) -> Any:
        return self.tab.evaluate(script)


def small() -> Report:
    drifted = seen(layers(32), layers(32, change=lambda n: {"extra": "clone"} if n == 17 else {}), DRIFTED)
    return report_of(
        [drifted, case("tests/test_m.py::test_new", "missing"), case("tests/test_m.py::test_same", "same")]
    )


@pytest.fixture
def shown(browser: Any, tmp_path: Path) -> Iterator[Shown]:
    """A small report; whatever went wrong in the page fails the test."""
    page = Shown(browser, tmp_path, small())
    yield page
    page.tab.close()
    assert page.faults == []


def test_the_worst_comes_first_with_its_words_numbers_and_changed_lines(shown: Shown) -> None:
    assert shown.texts("header .chip") == ["1 drifted", "1 without a snapshot", "1 unchanged"]
    assert shown.texts("h1") == ["+1 aten.clone (0 → 1)"]
    removed = [text.removeprefix("▾").strip() for text in shown.texts(".row.other .cell.minus")]
    assert removed == ["layers.0-31: Mlp ×32(%x | %layers.{i-1})"]
    assert any("clone(%mm) f32[2,64]" in text for text in shown.texts(".row.other .cell.plus"))


def test_the_lines_beneath_the_title_are_those_of_every_other_report(browser: Any, tmp_path: Path) -> None:
    cut = "a hint that is too long for one line " * 4
    told = trained_case()
    long = replace(told.outline, sections=(replace(told.outline.sections[0], hint=cut), *told.outline.sections[1:]))
    for outline in (told.outline, long):
        page = Shown(browser, tmp_path, report_of([replace(told, outline=outline)]))
        terminal = render_terminal(outline).splitlines()
        assert page.texts(".brief > div") == [line.strip() for line in terminal[1:]] != []
        assert page.texts(".findings > .finding .hint") == ([] if outline is told.outline else [f"{cut}extra-copy"])
        page.tab.close()
        assert page.faults == []


def test_a_report_of_an_earlier_version_has_its_hint_beneath_the_title(browser: Any, tmp_path: Path) -> None:
    told = trained_case()
    page = Shown(browser, tmp_path, report_of([replace(told, outline=replace(told.outline, brief=()))]))
    assert page.texts(".brief") == []
    assert page.texts(".cause") == [f"{told.outline.sections[0].hint}extra-copy"]
    page.tab.close()
    assert page.faults == []


def test_every_view_is_reached_by_its_number(shown: Shown) -> None:
    shown.press("2")
    assert shown.texts(".node.touched .name")[1].split() == ["layers.17", "Mlp"]
    shown.press("3")
    assert "Totals" in shown.texts(".figure h3")
    shown.press("4")
    assert shown.texts(".count") == ["97 of 97 operations"]
    shown.press("1")
    assert shown.texts("[role=tab][aria-selected=true]") == ["Graph"]


def test_arrows_move_and_open_and_n_goes_to_the_change(shown: Shown) -> None:
    shown.press("n")
    first = shown.ask("document.activeElement.innerText")
    shown.press("ArrowDown")
    assert shown.ask("document.activeElement.innerText") != first
    shown.press("2", "Tab", "ArrowDown", "ArrowDown")
    assert shown.ask("document.activeElement.dataset.id") == "0.1"
    shown.press("Home", "Enter")
    assert shown.texts(".count") == ["4 of 97 operations"]
    shown.tab.locator("[role=tab]").first.focus()
    shown.press("ArrowRight")
    assert shown.texts("[role=tab][aria-selected=true]") == ["Modules"]


def test_a_slash_searches_and_a_question_mark_explains(shown: Shown) -> None:
    shown.press("4", "/")
    shown.tab.keyboard.type("clone")
    assert shown.texts(".count") == ["1 of 97 operations"]
    shown.press("Escape")
    assert shown.texts(".count") == ["97 of 97 operations"]
    shown.press("?")
    assert shown.ask("document.getElementById('help').open")
    shown.press("Escape")
    assert not shown.ask("document.getElementById('help').open")


def test_j_and_k_go_from_graph_to_graph_and_the_list_is_searched(shown: Shown) -> None:
    shown.press("j")
    assert shown.texts("[aria-current=true] span") == ["test_new"]
    shown.press("k")
    assert shown.texts("[aria-current=true] span") == ["test_drifted"]
    shown.tab.locator("nav .search").fill("same")
    assert shown.texts(".item span") == ["test_same"]


def test_light_and_dark_follow_the_system_until_the_switch_is_used(browser: Any, tmp_path: Path, shown: Shown) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = shown.ask(paper)
    shown.press("t")
    dark = shown.ask(paper)
    assert light != dark
    other = Shown(browser, tmp_path, small(), scheme="dark")
    assert other.ask(paper) == dark
    other.press("t")
    assert other.ask(paper) == light
    other.tab.close()


def hostile_report() -> Report:
    def root(body: Body) -> None:
        x = body.given("x", f32(2, 16))
        for text in HOSTILE:
            body.scope(text, text, x, of=lambda inner, value: inner.op("relu", value, out=f32(2, 16)))

    words = tuple(Row(text, text, text) for text in HOSTILE)
    sections = tuple(Section(text, words, text, HOSTILE) for text in HOSTILE)
    found = seen(layers(2), program(root, peak_at=HOSTILE[0]), HOSTILE[1])
    outline = Outline(
        status="drift", title=HOSTILE[0], environment=HOSTILE, sections=sections, cost=HOSTILE[0], accept=HOSTILE[1]
    )
    cases = [case(text, "drift", text, path=text) for text in HOSTILE]
    return report_of([replace(found, outline=outline), *cases])


def test_nothing_that_a_model_says_is_run_or_read_as_markup(browser: Any, tmp_path: Path) -> None:
    page = Shown(browser, tmp_path, hostile_report())
    for _ in range(len(HOSTILE) + 1):
        page.press("1", "2", "3", "4", "j")
    assert page.ask("window.hacked === undefined")
    assert page.ask("document.querySelectorAll('img, b > script, main script, nav script').length") == 0
    assert page.ask("document.scripts.length") == 2
    assert page.faults == []
    page.press(*"kkkkkk", "1")
    assert "<img src=x onerror='window.hacked = 1'>" in page.ask("document.body.innerText")
    page.tab.close()


def test_the_policy_stops_a_script_that_is_planted(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "planted.html"
    path.write_text(render(small()).replace("</body>", "<script>window.hacked = 1</script></body>"), encoding="utf-8")
    tab = browser.new_page()
    tab.goto(path.as_uri())
    assert tab.evaluate("window.hacked === undefined")
    tab.close()


def test_a_model_of_many_layers_opens(browser: Any, tmp_path: Path) -> None:
    deep = layers(400, change=lambda n: {"extra": "clone"} if n % 3 else {})
    page = Shown(browser, tmp_path, report_of([seen(layers(400), deep)]))
    page.press("2", "4", "1")
    page.tab.close()
    assert page.faults == []


def test_a_narrow_window_shows_all_without_scrolling_sideways(shown: Shown) -> None:
    shown.tab.set_viewport_size({"width": 420, "height": 900})
    for key in "1234":
        shown.press(key)
        assert shown.ask("document.documentElement.scrollWidth <= innerWidth + 1"), key
    tall = "Math.max(...[...document.querySelectorAll('.operations tr')].map(row => row.offsetHeight))"
    shown.press("4")
    assert shown.ask(tall) < 120


def test_tab_goes_from_the_top_to_the_list_then_to_the_graph_and_each_stop_has_a_ring(shown: Shown) -> None:
    stops = []
    for _ in range(9):
        shown.press("Tab")
        focus = "(e => e.getAttribute('aria-label') || e.innerText.trim().split('\\n')[0])(document.activeElement)"
        stops.append(shown.ask(focus))
        assert shown.ask("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert stops == [
        "Light or dark",
        "Keys",
        "Find a test",
        "test_drifted",
        "2 lines",
        "Graph",
        "Find in the graph",
        "All lines",
        "↑ previous",
    ]


def test_an_operation_tells_what_reaches_it_when_asked(shown: Shown) -> None:
    shown.press("4", "/")
    shown.tab.keyboard.type("clone")
    shown.press("Tab", "Tab", "Enter")
    assert shown.texts(".about")[0].strip().startswith("reached from torch.Tensor.contiguous, torch.reshape")
    shown.press("Enter")
    assert shown.texts(".about") == []


def test_source_lines_nodes_and_both_curves_are_shown_of_graphs_recorded_here(browser: Any, tmp_path: Path) -> None:
    report = report_of([trained_case()])
    page = Shown(browser, tmp_path, report)
    assert any(text.startswith("test_page.py:") for text in page.texts(".row.other .at"))
    page.press("3")
    assert page.texts(".figure h3") == ["Live bytes after", "Live bytes before", "At the peak, by category"]
    assert "The peak of " in page.texts(".figure p")[0]
    page.press("4", "/")
    page.tab.keyboard.type("threshold_backward")
    page.press("Tab", "Tab", "Enter")
    (about,) = page.texts(".about")
    assert re.search(r"autograd node ReluBackward0, torch/include/.*/generated/Functions\.h:\d+", about)
    page.tab.close()
    assert page.faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_curves_of_both_sides_fit_a_narrow_window(scheme: str, browser: Any, tmp_path: Path) -> None:
    page = Shown(browser, tmp_path, report_of([trained_case()]), scheme)
    page.tab.set_viewport_size({"width": 400, "height": 900})
    page.press("3")
    assert page.ask("document.documentElement.scrollWidth") == 400
    tall = "Math.max(...[...document.querySelectorAll('.figure td.entry')].map(cell => cell.offsetHeight))"
    assert page.ask(tall) < 40
    assert page.ask(
        "[...document.querySelectorAll('.figure svg')].every(one => one.getBoundingClientRect().right <= 400)"
    )
    page.tab.close()
    assert page.faults == []


def trained_case() -> Case:
    graphs = []
    for copy in (False, True):
        up, down = nn.Linear(4, 8), nn.Linear(8, 4)
        model = lambda x, up=up, down=down, copy=copy: down(up(x).relu().clone() if copy else up(x).relu())  # noqa: E731
        graphs.append(trace(model, torch.zeros(2, 4, requires_grad=True), backward=True))
    before, after = graphs
    comparison = compare(before, after)
    view = view_of(before.canonical, after.canonical, comparison.difference, recorded=(before, after))
    return case_of(comparison, test="step", view=view)


def test_small_values_that_share_a_line_on_one_side_are_no_growth(browser: Any, tmp_path: Path) -> None:
    told = seen(layers(2), layers(2, change=lambda n: {"extra": "clone"} if n == 1 else {}), DRIFTED)
    assert told.view is not None
    before = [[4096, 2, "saved a"], [2048, 1, "saved b"], [1024, 1, "saved c"]]
    after = [[8192, 4, "saved a"], [2048, 1, "saved b"], [9216, 9, "others"]]
    told = replace(told, view={**told.view, "alive": [before, after]})
    page = Shown(browser, tmp_path, report_of([told]))
    page.press("3")
    table = page.tab.locator("h3", has_text="Alive at the peak, before and after").locator("..").locator("tbody tr")
    assert [row.split("\t") for row in table.all_inner_texts()] == [
        ["saved a", "4.00 KiB ×2", "8.00 KiB ×4", "+4.00 KiB"],
        ["saved b", "2.00 KiB", "2.00 KiB", "="],
        ["saved c", "1.00 KiB", "others", ""],
        ["others", "–", "9.00 KiB ×9", ""],  # noqa: RUF001 -- as the page prints it
    ]
    page.tab.close()
    assert page.faults == []
