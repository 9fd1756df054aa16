"""Files are there whole or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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


def test_a_link_goes_on_leading_to_the_file_that_is_replaced(tmp_path: Path) -> None:
    kept, link, second = tmp_path / "kept", tmp_path / "link", tmp_path / "second"
    kept.write_text("before", "utf-8")
    link.symlink_to(kept)
    second.symlink_to(link)
    write_whole(second, "after")
    assert (second.is_symlink(), link.is_symlink(), kept.read_text("utf-8")) == (True, True, "after")
    kept.unlink()
    write_whole(link, "anew")
    assert (link.is_symlink(), kept.read_text("utf-8")) == (True, "anew")


def test_a_link_that_loops_is_refused_and_stays(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.symlink_to(two)
    two.symlink_to(one)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        write_whole(one, "text")
    assert sorted(tmp_path.iterdir()) == [one, two]


@pytest.mark.parametrize("kind", ["folder", "beneath a file"])
def test_where_no_file_can_be_nothing_is_written(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a" if kind == "folder" else tmp_path / "a" / "b"
    (tmp_path / "a").mkdir() if kind == "folder" else (tmp_path / "a").touch()
    with pytest.raises(OSError, match=r"directory"):
        write_whole(path, "text")
    assert list(tmp_path.rglob("*")) == [tmp_path / "a"]


def test_a_device_is_written_to_and_stays_one() -> None:
    write_whole(Path("/dev/null"), "text")
    assert Path("/dev/null").is_char_device()


def test_writers_at_once_never_swap_what_they_write(tmp_path: Path) -> None:
    def write(name: str) -> None:
        for _ in range(100):
            write_whole(tmp_path / name, name * 2000)
            assert (tmp_path / name).read_text("utf-8") == name * 2000

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, "abcdefgh"))
    assert sorted(path.name for path in tmp_path.iterdir()) == list("abcdefgh")
