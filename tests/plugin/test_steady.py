"""Recording the steady state."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_torchgraph.graph import Graph
from pytest_torchgraph.plugin.check.steady import DoesNotRepeat, settle
from tests.plugin.stubs import ADD, CLONE, MUL, RELU, graph

ONE, TWO, THREE, FOUR = graph(ADD), graph(ADD, MUL), graph(ADD, RELU), graph(ADD, CLONE)


def calls(*graphs: Graph) -> Callable[[], Graph]:
    return iter(graphs).__next__


def test_a_model_that_repeats_is_recorded_from_its_first_call() -> None:
    steady = settle(ONE, calls(ONE))
    assert (steady.graph, steady.notes) == (ONE, ())


def test_a_cold_first_call_is_set_aside_and_its_other_work_told() -> None:
    steady = settle(TWO, calls(ONE, ONE))
    assert steady.graph == ONE
    (note,) = steady.notes
    assert note.startswith("recorded from the second call; the first does other work: ")
    assert "-1 aten.mul" in note


def test_a_first_call_that_only_takes_other_memory_is_told_so() -> None:
    steady = settle(graph(ADD, peak=8192), calls(ONE, ONE))
    assert steady.notes == (
        "recorded from the second call; the first does the same work in other memory: peak 8.0 KiB -> 4.0 KiB (-50.0%)",
    )


def test_each_of_several_calls_that_are_set_aside_is_told() -> None:
    steady = settle(ONE, calls(TWO, ONE, ONE))
    (note,) = steady.notes
    assert note.startswith("recorded from the third call; the first does the same; the second does other work: ")


def test_a_model_that_never_repeats_is_refused_after_five_calls() -> None:
    with pytest.raises(DoesNotRepeat) as caught:
        settle(ONE, calls(TWO, ONE, THREE, FOUR))
    assert (caught.value.before, caught.value.after, caught.value.runs) == (THREE, FOUR, 5)


def test_a_graph_that_cannot_be_traced_again_stands() -> None:
    assert settle(ONE, None).graph == ONE
