"""What the documents show is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documents.reader import DOCS, PROJECT, Reader, fences

pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.mark.parametrize("page", [PROJECT / "README.md", DOCS / "tutorial.md"], ids=lambda page: page.stem)
def test_a_reader_gets_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    for fence in fences(page):
        reader.follow(fence)
    assert len(reader.ran) >= 2


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
