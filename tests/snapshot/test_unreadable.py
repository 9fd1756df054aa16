"""A file that is no snapshot, or no longer one, says so, where, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_torchgraph.snapshot.head import VERSION
from pytest_torchgraph.snapshot.reader import SnapshotUnreadable, read, read_file
from tests.snapshot.golden import BLOCK, CACHED


def message(text: str) -> str:
    """What reading *text* says."""
    with pytest.raises(SnapshotUnreadable) as caught:
        read(text, path="x.torchgraph")
    return str(caught.value)


def edited(text: str, before: str, after: str) -> str:
    """*text* with one edit in it, which must be there to make."""
    assert text.count(before) >= 1
    return text.replace(before, after, 1)


@pytest.mark.parametrize("lines", range(1, len(BLOCK.splitlines())))
def test_a_file_cut_after_any_line_is_not_read(lines: int) -> None:
    cut = "\n".join(BLOCK.splitlines()[:lines]) + "\n"
    said = message(cut)
    assert said.startswith("x.torchgraph:")
    assert "pytest --torchgraph-update" in said


def test_a_cut_file_says_that_it_is_cut() -> None:
    assert message(BLOCK.removesuffix("end\n")).splitlines() == [
        "x.torchgraph:17: the file is cut: its last line is not 'end'",
        "  return logits = %add",
        "Record it again: pytest --torchgraph-update",
    ]


def test_a_file_cut_within_its_last_line_is_cut() -> None:
    assert "the file is cut" in message(BLOCK.removesuffix("nd\n"))


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", ">>>>>>> main", "=======", "||||||| 3f2a91c", "|||||||", "<<<<<<<"])
def test_conflict_markers_are_named_by_line(marker: str) -> None:
    lines = BLOCK.splitlines()
    said = message("\n".join([*lines[:5], marker, *lines[5:]]) + "\n")
    assert said.startswith("x.torchgraph:6: the file has conflict markers")
    assert "not merged by hand" in said
    assert "pytest --torchgraph-update" in said


@pytest.mark.parametrize("version", [str(VERSION + 1), "99", "9" * 300])
def test_a_newer_format_asks_for_an_upgrade(version: str) -> None:
    said = message(BLOCK.replace("torchgraph 2", f"torchgraph {version}", 1))
    assert f"this snapshot has format {version[:40]}" in said
    assert f"reads formats 1 to {VERSION}" in said
    assert "Upgrade pytest-torchgraph" in said
    assert len(said) < 300


@pytest.mark.parametrize("version", ["0", "00", "01", "0" * 300])
def test_a_format_that_was_never_written_is_not_called_newer(version: str) -> None:
    said = message(BLOCK.replace("torchgraph 2", f"torchgraph {version}", 1))
    assert f"no format {version[:40]}" in said
    assert "was ever written" in said
    assert said.endswith("pytest --torchgraph-update")


@pytest.mark.parametrize(
    "text", ["", "\n", "hello\n", "torchgraph\n", "torchgraph x\n", '{"a": 1}\n', "torchgraph -1\n"]
)
def test_what_is_no_snapshot_is_told(text: str) -> None:
    assert message(text).startswith("x.torchgraph:1: this snapshot") or "no torchgraph snapshot" in message(text)


@pytest.mark.parametrize(
    ("before", "after", "line", "what"),
    [
        ("add(%x, %attn", "add(%x, %attm", 16, "no value %attm"),
        ("add(%x, %attn", "add(%add, %attn", 16, "no value %add"),
        ("add(%x, %attn", "add(%norm1:1, %attn", 16, "%norm1 has no result 1"),
        ("    proj: Linear =", "    proj: Linear(%qkv) -> %x\n    other: Linear =", 15, "no value %x"),
        ("    proj: Linear =", "    proj: Linear(%qkv)\n    other: Linear =", 15, "nothing beneath this line"),
        ("    proj: Linear =", "    proj: Linear(%qkv)\n      relu_(%in0)\n    other: Linear =", 15, "nothing beneath"),
        ("f32[32,192]\n", "f32[32,192] to :1 weight.grad\n", 12, "no tensor that was made becomes weight.grad"),
        ("f32[32,192]\n", "3 to weight.grad\n", 12, "no tensor that was made becomes weight.grad"),
        ("f32[2,4,16]\n", "f32[2,4,16]\n    add_(%in0, 1)\n    add(%add_, 1) f32[2]\n", 16, "%add_ has no result 0"),
        ("    proj: Linear =", "    proj#0: Linear =", 15, "calls are counted from 1"),
        ("    proj: Linear =", "    qkv: Linear =", 15, "qkv stands above already"),
        ("weight:f32[192,64].T", "weight.T", 12, "no dtype and sizes of a parameter weight stand above"),
        ("1e-05)", "1e-05, bias:f32[64])", 10, "of bias stand above in this scope already"),
        ("1e-05)", "memory_format=torch_contiguous_format)", 10, "a parameter torch_contiguous_format"),
        ("add(%x, %attn", "add(^norm1, %attn", 16, "which phases alone do"),
        ("%in0, weight:f32[192", "%in1, weight:f32[192", 12, "no value %in1"),
        ("%attn[2,16,64]", "%attn[2,16,65]", 16, "elements"),
        ("%qkv[2,16,12,16][:,:,0:4]", "%qkv[2,16,12,16][:,:,0:40]", 13, "0:40"),
        (".transpose(1,2)", ".transpose(1,7)", 13, "dimensions"),
        ("1e-05)", "1e-05", 10, "end of the list"),
        ("1e-05)", "1e-05!)", 10, "end of the list"),
        ("f32[2,16,64], f32[2,16,1],", "f32[2,16,64]; f32[2,16,1],", 10, "end of the list"),
        ("    qkv: Linear", "     qkv: Linear", 12, "indented"),
        ("    qkv: Linear", "        qkv: Linear", 12, "indented"),
        ("  add(%x", "  add{%x", 16, "no line of a snapshot"),
        ("return logits = %add", "return logits = %add, 1", 17, "one value"),
        ("ops 5", "ops 6", 5, "counts 6 operations, the graph has 5"),
        ("ops 5", "ops five", 5, "neither a metric"),
        ("run eager", "ran eager", 4, "'run ...'"),
        ("forward Block", "forward Block %x", 8, "->"),
        ("  input x f32", "  input x q[", 9, "no line of a snapshot"),
    ],
)
def test_an_edited_line_is_named(before: str, after: str, line: int, what: str) -> None:
    said = message(edited(BLOCK, before, after))
    assert said.startswith(f"x.torchgraph:{line}: ")
    assert what in said.splitlines()[0]
    assert said.endswith("pytest --torchgraph-update")


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("layers.0-16: Layer ×17", "layers.0-16: Layer ×16", "does not fit"),
        ("layers.0-16: Layer ×17", "layers.0-15: Layer ×16", "no value %layers.16"),
        ("as model.layers.0", "as model.layers.9", "no body of model.layers.9"),
        ("like model.layers.0", "like model.layers", "no body of model.layers"),
        ("... [0:4]", "... [0:9]", "not in the body"),
        ("... [0:4]", "... [0:x]", "not in the body"),
        ("repeat ×32, i = 0-31", "repeat ×32, i = 0-30", "does not fit"),
        (
            "{%past.layers.{i}.keys, %past.layers.{i}.values ×32}",
            "{%past.layers.{i}.keys ×99}",
            "no value %past.layers.32",
        ),
        ("ops 232", "ops 231", "the graph has 232"),
    ],
)
def test_an_edited_repetition_is_named(before: str, after: str, what: str) -> None:
    said = message(edited(CACHED, before, after))
    assert what in said.splitlines()[0]
    assert said.endswith("pytest --torchgraph-update")


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("%attn>proj>addmm>more", "goes through something that is no scope"),
        ("%attn>mm", "no value 'mm' stands where %attn>mm says"),
        ("%nothing>mm", "no value 'nothing' stands"),
        ("%attn>proj:9", "no result 9"),
        ("%attn>", "one value was expected"),
        ("%attn>qkv[5,5]", "elements"),
    ],
)
def test_a_value_that_is_in_no_scope_is_named(value: str, what: str) -> None:
    said = message(edited(BLOCK, "return logits = %add", f"return logits = {value}"))
    assert said.startswith("x.torchgraph:17: ")
    assert what in said.splitlines()[0]


def test_lines_between_graph_and_end_are_refused() -> None:
    assert "one graph" in message(BLOCK.replace("end\n", "more\nend\n"))


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.torchgraph"
    path.write_bytes(BLOCK.encode().replace(b"logits", b"l\xffgits"))
    with pytest.raises(SnapshotUnreadable, match="not UTF-8"):
        read_file(path)


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.torchgraph"
    path.write_bytes(BLOCK.encode())
    assert read_file(path) == read(BLOCK)
