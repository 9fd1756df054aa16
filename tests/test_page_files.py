"""Scripts and styles of the pages: they parse, and hold nothing that nobody uses."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from pytest_torchgraph.report.html import SCRIPTS

PACKAGE = Path(__file__).parents[1] / "pytest_torchgraph"
PAGE = PACKAGE / "report" / "page"
STYLES = sorted(PACKAGE.rglob("*.css"))
SINGLE = sorted(set(PACKAGE.rglob("*.js")) - set(PAGE.glob("*.js")))
"""Scripts that stand alone; those of the report's page are one script together."""
LONGEST = 200
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
RULE = re.compile(r"\s*([^{};]+?)\s*\{([^{}]*)\}", re.DOTALL)
DECLARATION = re.compile(r"\s*(--[\w-]+|[a-z-]+)\s*:\s*[^:;]+")
NAMED = re.compile(r"^(?:const|let|function)\s+([A-Za-z_]\w*)", re.MULTILINE)


def faults_of_style(text: str, set_by_script: frozenset[str] = frozenset()) -> list[str]:
    """What of *text* no browser would take: rules that do not close, declarations that are none, unknown variables."""
    text = COMMENT.sub("", text)
    while (inner := re.sub(r"@[\w-]+[^{};]*\{((?:[^{}]*\{[^{}]*\})*[^{}]*)\}", r"\1", text)) != text:
        text = inner
    left = RULE.sub("", text).strip()
    bodies = [part for _, body in RULE.findall(text) for part in body.split(";") if part.strip()]
    wrong = [part.strip() for part in bodies if not DECLARATION.fullmatch(part)]
    unknown = set(re.findall(r"var\((--[\w-]+)\)", text)) - set(re.findall(r"(--[\w-]+)\s*:", text))
    return [*([left] if left else []), *wrong, *sorted(unknown - set_by_script)]


def faults_of_script(text: str) -> list[str]:
    """What node says of *text*, as a script of its own."""
    node = shutil.which("node")
    assert node is not None
    told = subprocess.run([node, "--check", "-"], input=text, capture_output=True, text=True, check=False)
    return told.stderr.splitlines()


def habits(text: str) -> list[str]:
    """What a script of this project does not do, line by line."""
    never = re.compile(r"(?<![=!])==(?!=)|!=(?!=)|\bvar\b(?!\()|\beval\b|\balert\(|console\.log|\t|[ ]$|debugger")
    lines = enumerate(text.splitlines(), 1)
    return [f"{number}: {line}" for number, line in lines if never.search(line) or len(line) > LONGEST]


def script_of_the_page() -> str:
    return "\n".join((PAGE / name).read_text("utf-8") for name in SCRIPTS)


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.parent.name)
def test_every_style_parses(path: Path) -> None:
    set_by_script = frozenset(re.findall(r'"(--[\w-]+)"', script_of_the_page()))
    assert faults_of_style(path.read_text("utf-8"), set_by_script) == []


@pytest.mark.parametrize(
    "text",
    [
        "a { color: red",
        "a { color red; }",
        "a { color: var(--ink); }",
        "a { color: red; } }",
        "@media print { a { color: red; }",
        "a { color: red: }",
    ],
)
def test_a_style_that_is_none_is_found(text: str) -> None:
    assert faults_of_style(text)


@pytest.mark.skipif(shutil.which("node") is None, reason="node reads scripts")
def test_every_script_parses() -> None:
    assert [faults_of_script(path.read_text("utf-8")) for path in SINGLE] == [[]] * len(SINGLE)
    assert faults_of_script(script_of_the_page()) == []
    assert faults_of_script("const a = (1;")


def test_every_script_keeps_the_habits() -> None:
    for path in (*SINGLE, *PAGE.glob("*.js")):
        assert habits(path.read_text("utf-8")) == [], path.name
    assert habits("if (a == b) c();")
    assert not habits("if (a === b || a !== c) d = x => x >= 2;")


def test_every_file_of_the_page_is_on_it() -> None:
    assert sorted(SCRIPTS) == sorted(path.name for path in PAGE.glob("*.js"))


def test_every_name_of_the_page_s_script_is_one_thing_and_used() -> None:
    text = script_of_the_page()
    names = Counter(NAMED.findall(text))
    assert [name for name, times in names.items() if times > 1] == []
    assert [name for name in names if len(re.findall(rf"\b{name}\b", text)) == 1] == []


def test_every_class_of_the_page_s_style_is_made_by_its_script() -> None:
    style = COMMENT.sub("", (PAGE / "page.css").read_text("utf-8"))
    selectors = " ".join(selector for selector, _ in RULE.findall(style))
    words = set(re.findall(r"[\w-]+", script_of_the_page() + (PAGE / "page.html").read_text("utf-8")))
    classes = set(re.findall(r"\.([a-z][\w-]*)", selectors))
    assert not {name for name in classes if name.removeprefix("is-") not in words}
