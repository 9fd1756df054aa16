"""Recording the steady state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_torchgraph.plugin.steady import FIRST_CALL_NOTE, DoesNotRepeat, settle


def calls(*graphs: str) -> Callable[[], Any]:
    return iter(graphs).__next__


def test_a_model_that_repeats_is_recorded_from_its_first_call() -> None:
    steady = settle("a", calls("a"))  # type: ignore[arg-type]
    assert (str(steady.graph), steady.notes) == ("a", ())


def test_a_cold_first_call_is_set_aside_with_a_note() -> None:
    steady = settle("cold", calls("warm", "warm"))  # type: ignore[arg-type]
    assert (str(steady.graph), steady.notes) == ("warm", (FIRST_CALL_NOTE,))


def test_a_model_that_never_repeats_is_refused() -> None:
    with pytest.raises(DoesNotRepeat) as caught:
        settle("1", calls("2", "3"))  # type: ignore[arg-type]
    assert (str(caught.value.before), str(caught.value.after)) == ("2", "3")


def test_a_graph_that_cannot_be_traced_again_stands() -> None:
    assert settle("a", None).graph == "a"  # type: ignore[arg-type]
