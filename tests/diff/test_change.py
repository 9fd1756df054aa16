"""What can change is a closed union: every function over it knows each of its kinds."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from pytest_torchgraph.canonical.alive import Place
from pytest_torchgraph.canonical.program import Work
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    BreakChanged,
    Called,
    Change,
    Field,
    GraphChanged,
    LeafChanged,
    LoopChanged,
    MetricChanged,
    Moved,
    OutputChanged,
    PeakMoved,
    RecompileChanged,
    Redeclared,
    Removed,
    Renamed,
    Replaced,
    RunChanged,
    Site,
)
from pytest_torchgraph.diff.fingerprint import fingerprint
from pytest_torchgraph.diff.grouping import edit_of, phase_of, scope_of
from pytest_torchgraph.recorded.compilation import CompiledGraph
from pytest_torchgraph.verdict.kind import kind_of
from tests.diff.programs import f32
from tests.verdict.compilations import BREAK, FORWARD, RECOMPILE

SCOPE = ScopePath("layers.0")
GRAPH = CompiledGraph(number=1, module="layers.0", line=FORWARD, forward=4)
SITE = Site(SCOPE, "M", Work("aten.relu.default", (), (), (f32(2),)))
EVERY: tuple[Change, ...] = (
    Added(SITE),
    Removed(SITE),
    Altered(SITE, SITE, (Field("dtype", "dtype", "float32", "float64"),)),
    Renamed("scope", "layers.0", "h.0", place=SCOPE),
    Replaced(SCOPE, "A", "B"),
    Called(SCOPE, "layers.0", "layers.1", gone=False, again=False),
    LoopChanged(SCOPE, ("a",), ()),
    Moved(SITE, SITE, writes=False),
    LeafChanged(SCOPE, "layers.0.weight", f32(2), f32(3)),
    OutputChanged("", None, None),
    MetricChanged("ops", 1, 2),
    RunChanged("train", "eval"),
    PeakMoved(Place("a"), Place("b")),
    Redeclared(SCOPE),
    BreakChanged(None, replace(BREAK, module="layers.0")),
    RecompileChanged(None, replace(RECOMPILE, module="layers.0")),
    GraphChanged(GRAPH, replace(GRAPH, dynamic=("x[0]",))),
)
WHOLE = (OutputChanged, MetricChanged, RunChanged, PeakMoved)


def test_every_kind_of_change_is_among_those_that_are_tried() -> None:
    assert {type(change) for change in EVERY} == set(get_args(Change))


@pytest.mark.parametrize("change", EVERY, ids=lambda change: type(change).__name__)
def test_each_kind_of_change_has_a_scope_a_phase_an_edit_an_id_and_a_kind(change: Change) -> None:
    assert scope_of(change) == (ScopePath() if isinstance(change, WHOLE) else SCOPE)
    assert phase_of(change) == "forward"
    assert edit_of(change)[0] == type(change).__name__
    assert len(fingerprint([change])) == 8
    assert kind_of(change)


def test_no_two_kinds_of_change_have_one_id() -> None:
    assert len({fingerprint([change]) for change in EVERY}) == len(EVERY)
