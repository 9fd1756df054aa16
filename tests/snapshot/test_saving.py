"""Files are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_torchgraph.snapshot.saving import write_whole


def test_text_is_written_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, "×4\r\nend\n")
    assert path.read_bytes() == "×4\r\nend\n".encode()
    write_whole(path, b"\x00")
    assert path.read_bytes() == b"\x00"


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before", "utf-8")
    path.chmod(0o640)
    write_whole(path, "after")
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_whole(path, "text")
    assert path.read_text("utf-8") == "text"


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before", "utf-8")

    def refuses(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuses)
    with pytest.raises(PermissionError):
        write_whole(path, "after")
    assert path.read_text("utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]
