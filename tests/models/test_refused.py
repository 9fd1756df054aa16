"""Models that cannot be recorded say why."""

from __future__ import annotations

from functools import partial

import pytest

from pytest_torchgraph import trace
from pytest_torchgraph.plugin.steady import DoesNotRepeat, settle
from tests.models import never_repeats, raises


def test_an_error_inside_the_model_names_module_and_operation() -> None:
    example = raises.example()
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied") as caught:
        trace(example.model, example.args)
    (note,) = vars(caught.value)["__notes__"]
    assert "1.wrong (Linear)" in note
    assert "aten.addmm.default" in note


def test_a_model_that_never_repeats_has_no_steady_state() -> None:
    example = never_repeats.example()
    again = partial(trace, example.model, example.args)
    with pytest.raises(DoesNotRepeat):
        settle(again(), again)
