"""The picture of the page in the documents."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parents[2]
PICTURE = "docs/pictures/report.png"


def test_the_readme_shows_a_picture_that_is_there_and_small() -> None:
    assert f"](../{PICTURE.removeprefix('docs/')})" in (HERE / "docs/reference/reports.md").read_text(encoding="utf-8")
    content = (HERE / PICTURE).read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) < 300_000
