"""What the documents show is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documents.reader import DOCS, PROJECT, Reader, fences, pictured, words_of

pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.mark.parametrize("page", [PROJECT / "README.md", DOCS / "tutorial.md"], ids=lambda page: page.stem)
def test_a_reader_gets_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    reader, pictures = Reader(tmp_path), list(pictured(page))
    for fence in fences(page):
        reader.follow(fence)
        if pictures and fence == pictures[0][0] and not not_shown(reader.printed, pictures[0][1]):
            pictures.pop(0)
    assert pictures == []
    assert len(reader.ran) >= 2


def test_the_readme_is_read_in_one_go() -> None:
    assert len((PROJECT / "README.md").read_text("utf-8").splitlines()) <= 150


DECORATION = re.compile(r"^[=_-]{3}|\[100%\]|^recorded | in \d|…")
"""Lines that depend on the width of a terminal, on the machine, or on the time."""


def not_shown(printed: str, picture: Path) -> list[str]:
    """The lines that a terminal picture should show, and does not."""
    words = words_of(picture)
    lines = [line for line in printed.splitlines() if not DECORATION.search(line)]
    return [line for line in lines if "".join(line.split()) not in words]


def test_a_picture_that_shows_something_else_is_noticed() -> None:
    picture = DOCS / "pictures" / "terminal-drifted.svg"
    assert not_shown("test_model.py::test_next_word: +1 aten._to_copy (0 -> 1)", picture) == []
    assert not_shown("test_model.py::test_next_word: +2 aten._to_copy (0 -> 2)", picture)


def test_a_page_that_shows_what_is_not_printed_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ torchgraph --help\n```\n\n```text\nno such line\n```\n", encoding="utf-8")
    shown, printed = fences(page)
    reader = Reader(tmp_path)
    reader.follow(shown)
    with pytest.raises(AssertionError, match="no such line"):
        reader.follow(printed)


def examples_of_how_tos() -> dict[str, str]:
    """The examples that are tests, by the name of a file for each."""
    return {
        f"test_{page.stem.replace('-', '_')}_{number}.py": fence.text
        for page in sorted((DOCS / "how-to").glob("*.md"))
        for number, fence in enumerate(fences(page))
        if fence.language == "python"
    }


def test_every_example_of_the_how_tos_records_and_passes(tmp_path: Path) -> None:
    examples = examples_of_how_tos()
    assert len(examples) >= 9
    for name, text in examples.items():
        assert "def test_" in text, name
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    reader = Reader(tmp_path)
    for command in ("pytest -q --torchgraph-update", "pytest -q"):
        printed = reader.type(command)
        assert re.search(r"^\d+ passed in", printed, re.MULTILINE), printed
