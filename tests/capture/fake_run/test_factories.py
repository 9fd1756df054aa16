"""What a fake run can be given in the place of a model and its inputs: whatever makes them."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace


class Wide(nn.Module):
    def __init__(self, width: int = 4096) -> None:
        super().__init__()
        self.layer = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


HUGE = 2**20


@pytest.mark.parametrize(
    "factory",
    [Wide, partial(Wide, HUGE), lambda: Wide(HUGE), lambda: nn.Linear(HUGE, HUGE)],
    ids=["class", "partial", "lambda", "linear"],
)
def test_a_factory_is_called_on_the_meta_device(factory: Any) -> None:
    width = 4096 if factory is Wide else HUGE
    state = torch.get_rng_state()
    graph = trace(factory, lambda: torch.zeros(2, width), backward=True, optimizer=torch.optim.AdamW, fake=True)
    assert torch.equal(torch.get_rng_state(), state)
    assert graph.origin.device == "cpu"
    assert graph.memory.parameter_bytes == 4 * (width * width + width)
    assert graph.memory.total("optimizer state") >= 2 * graph.memory.parameter_bytes
    assert graph.flops.at_least == 2 * 2 * (2 * width * width)


def test_a_model_on_meta_is_recorded_as_on_the_host() -> None:
    with torch.device("meta"):
        model = Wide(HUGE)
    weight = model.layer.weight
    graph = trace(model, torch.zeros(1, HUGE), fake=True)
    assert graph.origin.device == "cpu"
    assert model.layer.weight is weight
    assert weight.is_meta


def test_inputs_may_be_made_by_a_function() -> None:
    graphs = [
        trace(Wide, lambda: torch.zeros(2, 4096), fake=True),
        trace(Wide, lambda: (torch.zeros(2, 4096),), fake=True),
        trace(Wide, lambda: {"x": torch.zeros(2, 4096)}, fake=True),
        trace(Wide, torch.zeros(2, 4096), fake=True),
    ]
    assert all(graph == graphs[0] for graph in graphs)


def test_a_function_is_a_model_where_it_takes_the_inputs() -> None:
    graph = trace(lambda x: x.relu(), torch.zeros(2), fake=True)
    assert [one.packet for one in graph.operations] == ["aten.relu"]


def test_the_optimizer_may_be_made_for_the_model() -> None:
    def sgd(model: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)

    graph = trace(Wide, torch.zeros(1, 4096), backward=True, optimizer=sgd, fake=True)
    assert graph.phases[-1].title.startswith("SGD")


def test_a_factory_that_makes_no_model_is_refused() -> None:
    with pytest.raises(TypeError, match="returned int: it has to return the model"):
        trace(lambda: 3, torch.zeros(1), fake=True)


def test_a_factory_that_reads_its_weights_is_refused_with_a_way_out() -> None:
    def build() -> nn.Module:
        model = nn.Linear(4, 4)
        model.bias.data.fill_(float(model.weight.sum()))
        return model

    with pytest.raises(TypeError, match="pass the model that it makes instead"):
        trace(build, torch.zeros(1, 4), fake=True)


def test_autocast_and_no_grad_hold_in_a_fake_run() -> None:
    model, x = Wide(8), torch.zeros(2, 8)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        real, fake = trace(model, x), trace(model, x, fake=True)
    assert [one.name for one in real.operations] == [one.name for one in fake.operations]
    assert fake.origin.grad_mode == "no_grad"
