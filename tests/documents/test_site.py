"""The site: it builds without a warning, has no dead link, and its search finds what people look for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.documents.reader import DOCS

pytest.importorskip("sphinx")
pytest.importorskip("myst_parser")
pytest.importorskip("furo")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def build(source: Path, out: Path) -> int:
    # In a process of its own: Sphinx uses what Python wants to see the end of, and warnings are errors here.
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(source), str(out)]
    return subprocess.run(command, check=False, stderr=subprocess.STDOUT).returncode


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    assert build(DOCS, out) == 0
    return out


class Links(HTMLParser):
    """What a page links to, and what can be linked to on it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.anchors.update(filter(None, (named.get("id"), named.get("name"))))
        self.targets.extend(filter(None, (named.get("href"), named.get("src"))))


def dead_links(site: Path) -> list[str]:
    pages = {path: Links(path) for path in site.rglob("*.html")}
    dead = []
    for path, links in pages.items():
        for target in links.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            aim = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = pages[aim].anchors if aim in pages else set()
            if not aim.exists() or (parts.fragment and aim in pages and parts.fragment not in known):
                dead.append(f"{path.name}: {target}")
    return dead


def test_no_link_is_dead(site: Path) -> None:
    assert dead_links(site) == []


def test_a_dead_link_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<a href="b.html">b</a><a href="#no">no</a><a id="yes" href="#yes">', "utf-8")
    assert dead_links(tmp_path) == ["a.html: b.html", "a.html: #no"]


def test_a_page_that_refers_to_nothing_does_not_build(tmp_path: Path) -> None:
    source = tmp_path / "docs"
    source.mkdir()
    (source / "conf.py").write_text('extensions = ["myst_parser"]\n', encoding="utf-8")
    (source / "index.md").write_text("# A page\n\n[no](nowhere.md)\n", encoding="utf-8")
    assert build(source, tmp_path / "out") != 0


@pytest.fixture
def tab(site: Path) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium on the path")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


@pytest.mark.parametrize("word", ["torchgraph_budget", "rootdir", "extra-copy"])
def test_search_finds(word: str, site: Path, tab: Any) -> None:
    tab.goto(f"{(site / 'search.html').as_uri()}?q={word}")
    tab.wait_for_selector("ul.search li a")
    assert tab.locator("ul.search li a").count() >= 1
