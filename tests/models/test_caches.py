"""A model that fills a cache on its first call is recorded as it is ever after."""

from __future__ import annotations

import pytest
import torch

from pytest_torchgraph import trace
from pytest_torchgraph.capture.options import Options
from pytest_torchgraph.capture.tracing import repeated
from pytest_torchgraph.plugin.check.steady import settle
from tests.models import MODELS


@pytest.mark.parametrize("trait", ["lazy_cache", "lazy_buffer"])
def test_what_is_recorded_is_what_a_model_in_use_does(trait: str) -> None:
    fresh, used = MODELS[trait](), MODELS[trait]()
    with repeated(fresh.model, fresh.args, None, Options()) as again:
        recorded = settle(again(), again)
    with torch.no_grad():
        used.model(used.args)
    assert recorded.graph == trace(used.model, used.args)
