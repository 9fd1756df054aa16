"""Forward passes of the user's own code are timed module by module."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch

from pytest_torchgraph.explorer import (
    ExplorerConfig,
    generate_model_summary,
    get_forward_stats,
    record_torch_module_forward_stats,
)
from tests.explorer.small import Tower, tower


def test_every_module_call_is_timed() -> None:
    model, tokens = tower()
    with record_torch_module_forward_stats(model):
        for _ in range(2):
            model(tokens)
    stats = get_forward_stats(model)
    assert stats["layers.1.up"]["calls"] == stats[""]["calls"] == 2
    up, layer = stats["layers.1.up"], stats["layers.1"]
    assert 0 < up["min"] <= up["mean"] <= up["max"] <= up["total"] < layer["total"] < stats[""]["total"]
    assert "ms]" in generate_model_summary(model) or "μs]" in generate_model_summary(model)
    assert "μs]" not in generate_model_summary(model, ExplorerConfig(show_timing=False))


def test_a_model_that_was_not_recorded_has_no_times() -> None:
    assert not get_forward_stats(tower()[0])


def test_a_later_recording_takes_the_place_of_an_earlier_one_unless_it_fails() -> None:
    model, tokens = tower()
    with record_torch_module_forward_stats(model):
        model(tokens)
    with pytest.raises(IndexError), record_torch_module_forward_stats(model):
        model(tokens + 1000)
    assert get_forward_stats(model)[""]["calls"] == 1
    with record_torch_module_forward_stats(model):
        model(tokens), model(tokens), model(tokens)
    assert get_forward_stats(model)[""]["calls"] == 3


def test_times_keep_no_model_alive() -> None:
    model = Tower()
    with record_torch_module_forward_stats(model), torch.no_grad():
        model(torch.tensor([[1, 2]]))
    alive = weakref.ref(model)
    del model
    gc.collect()
    assert alive() is None
