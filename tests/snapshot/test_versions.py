"""Files of an earlier format are read, compared and explained as they always were."""

from __future__ import annotations

import re

import pytest

from pytest_torchgraph.comparison import Comparison
from pytest_torchgraph.diff.change import MetricChanged
from pytest_torchgraph.snapshot.head import OLDEST, VERSION
from pytest_torchgraph.snapshot.reader import read
from pytest_torchgraph.snapshot.writer import write
from tests.snapshot.golden import BLOCK, VERSION_1

EARLIER = """\
torchgraph 1
test t
recorded r
run eager, train, grad, cpu
ops 7
forward M
  input x f32[2,8]
  0: Layer(%x) -> %mul, %scale
    scale: Scale = mul($"/0.gain":f32[8], %in0) f32[2,8]
    mul(%scale, gain:f32[8]) f32[2,8]
  1: Layer(%0, %0:1) -> %mul, %scale
    scale: Scale = mul($"/1.gain":f32[8], %in0) f32[2,8]
    mul(%scale, %in1) f32[2,8]
  phase backward -> none
    1: Layer -> %mul, %scale
      scale: Scale = mul($"/1.gain":f32[8], ^mul) f32[2,8] to $"/1.gain.grad"
      mul(^^0:1, ^^0) f32[2,8]
    mul(%1:1, ^1:1) f32[2,8]
  return a = %1:1
  return b = %0>scale
end
"""
TODAY = """\
torchgraph 2
test t
recorded r
run eager, train, grad, cpu
ops 7
forward M
  input x f32[2,8]
  0: Layer(%x) -> %scale, %mul
    scale: Scale = mul(../gain:f32[8], %in0) f32[2,8]
    mul(%scale, gain:f32[8]) f32[2,8]
  1: Layer(%0:1, %0) -> %scale, %mul
    scale: Scale = mul(../gain:f32[8], %in0) f32[2,8]
    mul(%scale, %in1) f32[2,8]
  phase backward -> none
    1: Layer -> %scale, %mul
      scale: Scale = mul(../gain:f32[8], ^mul) f32[2,8] to ../gain.grad
      mul(^^0, ^^0:1) f32[2,8]
    mul(%1, ^1) f32[2,8]
  return a = %1
  return b = %0>scale
end
"""
every_file = pytest.mark.parametrize("name", VERSION_1)


def rewritten(text: str) -> str:
    """The file of *text* as it is written today."""
    snapshot = read(text)
    return write(snapshot.program, test=snapshot.test, recorded=snapshot.recorded)


@every_file
def test_a_file_of_version_1_is_read_as_such(name: str) -> None:
    snapshot = read(VERSION_1[name])
    assert VERSION_1[name].startswith("torchgraph 1\n")
    assert (snapshot.version, snapshot.is_current) == (OLDEST, False)


@every_file
def test_a_file_of_version_1_holds_the_graph_of_the_same_file_today(name: str) -> None:
    today = rewritten(VERSION_1[name])
    assert today.startswith(f"torchgraph {VERSION}\n")
    assert read(today).is_current
    assert repr(read(today).program) == repr(read(VERSION_1[name]).program)
    assert rewritten(today) == today


def as_version_1(text: str) -> str:
    """What version 1 wrote of the graph in *text*: its operations without marks, and syncs by their names alone."""
    plain = re.sub(r" (no )?sync$", "", text, flags=re.MULTILINE)
    return re.sub(r"^syncs \d+$", "syncs 9", plain, flags=re.MULTILINE).replace("torchgraph 2\n", "torchgraph 1\n")


@pytest.mark.parametrize("mark", [" sync", " no sync"])
def test_what_version_1_could_not_say_of_syncs_is_no_drift(mark: str) -> None:
    line = next(line for line in BLOCK.splitlines() if line.strip().startswith("add("))
    today = BLOCK.replace(line, line + mark, 1)
    assert write(read(today).program, test=read(today).test, recorded=read(today).recorded) == today
    before, after = read(as_version_1(today)).program, read(today).program
    assert not Comparison.of(before, after, ("", "")).drifted
    assert not Comparison.of(after, before, ("", "")).drifted
    # Both of today, the mark is compared.
    told = Comparison.of(read(BLOCK).program, after, ("", ""))
    assert told.drifted == (mark == " sync")


def test_names_and_exports_of_version_1_become_those_of_today() -> None:
    assert rewritten(EARLIER) == rewritten(TODAY) == TODAY
    assert read(EARLIER).program == read(TODAY).program


def test_a_drift_against_version_1_is_explained() -> None:
    before = VERSION_1["block"]
    after = read(BLOCK.replace("add(%x, %attn", "mul(%x, %attn").replace("%add", "%mul")).program
    comparison = Comparison.of(read(before).program, after, (read(before).recorded, read(BLOCK).recorded))
    assert comparison.drifted
    assert not [change for change in comparison.difference.changes if isinstance(change, MetricChanged)]
    assert "mul" in str(comparison)


@every_file
def test_the_counts_of_version_1_hold_today(name: str) -> None:
    with_head = VERSION_1[name].splitlines()
    assert [line for line in with_head if line.startswith("ops ")]
    changed = Comparison.of(read(VERSION_1[name]).program, read(rewritten(VERSION_1[name])).program, ("", ""))
    assert not changed.drifted
