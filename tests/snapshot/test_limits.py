"""What reading costs is bounded by the size of the file and by what its head counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_torchgraph.cli.main import main
from pytest_torchgraph.snapshot.limits import BRACKETS, LEVELS, OPERATIONS
from pytest_torchgraph.snapshot.loading import load
from pytest_torchgraph.snapshot.reader import SnapshotUnreadable, read
from pytest_torchgraph.snapshot.writer import write
from tests.snapshot.golden import BLOCK

HEAD = """\
torchgraph 2
test tests/test_m.py::test_m
recorded torch 2.13.0
run eager, train, grad, cpu
ops {ops}
forward M
  input x f32[2]
"""
RELU = "relu(%in0) f32[2]"


def graph(ops: object, *lines: str) -> str:
    """A file of *lines* whose head counts *ops* operations."""
    return HEAD.format(ops=ops) + "".join(f"  {line}\n" for line in lines) + "  return %x\nend\n"


def refused(text: str) -> str:
    """The first line of what reading *text* says, which must not take long."""
    begun = time.process_time()
    with pytest.raises(SnapshotUnreadable) as caught:
        read(text, path="x.torchgraph")
    # Ten times what the slowest takes; without a bound they take minutes or gigabytes.
    assert time.process_time() - begun < 5
    lines = str(caught.value).splitlines()
    assert all(len(line) < 400 for line in lines)
    assert lines[-1] == "Record it again: pytest --torchgraph-update"
    return lines[0]


def doubling(levels: int, indent: str = "") -> list[str]:
    """Bodies each of which does what the one before it does twice."""
    lines = ["a0: A(%x)", *[f"  {RELU}"] * 4]
    for level in range(1, levels):
        twice = [f"  {name}: A(%in0) as {indent}a{level - 1}" for name in "bc"]
        lines += [f"a{level}: A(%x)", *twice, "  relu(%b) f32[2]", "  relu(%c) f32[2]"]
    return lines


def chain(levels: int) -> list[str]:
    """Bodies each of which holds the one before it."""
    lines = ["a0: A(%x)", *[f"  {RELU}"] * 3]
    for level in range(1, levels):
        lines += [f"a{level}: A(%x)", f"  b: A(%in0) as a{level - 1}", f"  {RELU}", f"  {RELU}"]
    return lines


LARGE: dict[str, Callable[[], str]] = {
    "doubling": lambda: graph(1, *doubling(40)),
    "doubling in a phase": lambda: graph(9, "phase backward", *[f"  {one}" for one in doubling(40, "backward.")]),
    "scopes": lambda: graph(1, "a0-999999: A ×1000000(%x)", f"  {RELU}"),
    "lines": lambda: graph(3, "repeat ×99999999", "  relu(%x) f32[2]"),
    "lines that are no operations": lambda: graph(0, "repeat ×100001, i = 0-100000", "  input p.{i} f32[2]"),
    "a list": lambda: graph(1, "cat([{%x ×1000000000}]) f32[2]"),
    "lists": lambda: graph(1, f"cat([{', '.join(['{%x ×100000}'] * 2000)}]) f32[2]"),
}


@pytest.mark.parametrize("name", LARGE)
def test_what_comes_to_more_than_the_head_counts_is_not_written_out(name: str) -> None:
    said = refused(LARGE[name]())
    assert "comes to more than the" in said
    assert "of the head" in said


def test_a_head_that_counts_more_than_a_snapshot_may_have_is_refused() -> None:
    assert f"up to {OPERATIONS:,} operations" in refused(graph(6 * 2**39, *doubling(40)))
    program = read(BLOCK).program
    object.__setattr__(program, "metrics", (("ops", OPERATIONS + 1),))
    with pytest.raises(ValueError, match="up to 1,000,000 operations"):
        write(program, test="t", recorded="r")


NESTED: dict[str, Callable[[], str]] = {
    "scopes": lambda: graph(1, *("  " * level + "a: A" for level in range(LEVELS + 1)), "  " * (LEVELS + 1) + RELU),
    "named bodies": lambda: graph(9999, *chain(LEVELS + 10)),
}


@pytest.mark.parametrize("name", NESTED)
def test_scopes_too_deep_inside_one_another_are_refused(name: str) -> None:
    assert f"more than {LEVELS} modules inside one another" in refused(NESTED[name]())


ODD = {
    "brackets": f"cat({'[' * 100_000}{']' * 100_000}) f32[2]",
    "digits in an argument": f"relu(%x, {'9' * 5000}) f32[2]",
    "digits in a name": f"a{'9' * 300_000}: A(%x)",
    "a name of many numbers": f"{'1-' * 100_000} ×",
    "a name of many ranges": f"a{'1-1' * 100_000}: A ×x",
    "many references": f"a: A{' as as' * 100_000}",
    "open braces": f"relu({'{a ' * 100_000} ×3)",
    "braces in braces": f"relu({'{a{b} ' * 100_000} ×3)",
    "bars in brackets": f"a0-3: A ×4({'%x[ | ' * 100_000})",
    "many readings": f"relu(%x{'.as_strided((1),(1),0)' * 30_000}) f32[2]",
    "many long sizes": f"relu(%x) f32[{','.join(['9' * 300] * 3000)}]",
    "many indices": f"relu(%x[{':,' * 100_000}]) f32[2]",
    "an open quote": '"\\' * 100_000 + ": A",
    "many names of parameters": f"for each of {', '.join(['a'] * 100_000)}x ",
    "indentation": " " * 1_000_000 + "x",
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_line_is_refused_in_time(name: str) -> None:
    assert refused(graph(1, ODD[name])).startswith("x.torchgraph:8: ")


def test_odd_heads_are_refused_in_time() -> None:
    assert "more than 400 digits" in refused(graph("9" * 5000))
    assert "modes" in refused(graph(1).replace("run eager", "run " + '"\\' * 100_000))


def test_lists_may_stand_inside_one_another() -> None:
    text = graph(1, f"cat({'[' * BRACKETS}{']' * BRACKETS}) f32[2]")
    assert write(read(text).program, test="tests/test_m.py::test_m", recorded="torch 2.13.0") == text


def deep(levels: int) -> str:
    """Modules inside one another, each of which does one operation after the next."""
    inwards = ["  " * level + f"a: A({'%in0' if level else '%x'})" for level in range(levels)]
    named = ["%a"] * (levels - 1) + ["%in0"]
    outwards = ["  " * (level + 1) + f"relu({name}) f32[2]" for level, name in enumerate(named)]
    return graph(levels, *inwards, *reversed(outwards)).replace("return %x", "return %a")


def test_modules_deep_inside_one_another_are_read_under_the_usual_recursion_limit(tmp_path: Path) -> None:
    text = deep(250)
    program = read(text).program
    assert program == read(text).program
    assert hash(program) == hash(read(text).program)
    path = tmp_path / "x.torchgraph"
    path.write_text(text, encoding="utf-8")
    assert len(load(path).operations) == 250


def test_every_verb_reads_modules_deep_inside_one_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = tmp_path / "before.torchgraph", tmp_path / "after.torchgraph"
    text = deep(LEVELS - 1)
    before.write_text(text, encoding="utf-8")
    after.write_text(text.replace("  relu(%a)", "  tanh(%a)", 1), encoding="utf-8")
    assert main(["show", str(before)]) == 0
    assert main(["diff", str(before), str(after)]) == 1
    assert "tanh" in capsys.readouterr().out
