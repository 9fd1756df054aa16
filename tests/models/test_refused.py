"""Models that cannot be recorded say why."""

from __future__ import annotations

import pytest

from pytest_torchgraph import trace
from pytest_torchgraph.capture.options import Options
from pytest_torchgraph.capture.tracing import repeated
from pytest_torchgraph.plugin.check.steady import DoesNotRepeat, settle
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
    with repeated(example.model, example.args, None, Options()) as again, pytest.raises(DoesNotRepeat):
        settle(again(), again)
