"""Values of a run: statistics that are right, and nothing left behind."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pytest_torchgraph.capture.activation import values
from tests.explorer.small import pictures, tower


class Strange(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Identity()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.first(torch.tensor([0.0, 3.0, math.nan, math.inf, -1.0])), x.to(torch.bool)


def test_statistics_are_of_the_finite_elements_and_the_others_are_counted() -> None:
    first, one, two = values(Strange(), torch.tensor([0, 1])).activations
    told = first.statistics
    assert (told.elements, told.zeros, told.nans, told.infs) == (5, 1, 1, 1)
    assert (told.minimum, told.maximum) == (-1.0, 3.0)
    assert math.isclose(told.mean or 0, 2 / 3)
    assert math.isclose(told.deviation or 0, torch.tensor([0.0, 3.0, -1.0]).std(correction=0).item(), rel_tol=1e-6)
    assert first.picture == ((0.25, 1.0, None, None, 0.0),)
    assert (one.output, two.output, two.text) == ("0", "1", "bool[2]")


def test_the_gradients_are_those_of_this_run_alone_and_are_put_back() -> None:
    model, x = pictures()
    model.fc.bias.grad = torch.full((5,), 7.0)
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found = values(model, x, backward=True)
    by_name = {one.name: one for one in found.parameters}
    assert by_name["fc.bias"].gradient_norm == math.sqrt(5 * 2.0**2)
    assert found.went_backward
    assert torch.equal(model.fc.bias.grad, torch.full((5,), 7.0))
    assert all(one.grad is None for name, one in model.named_parameters() if name != "fc.bias")
    assert all(torch.equal(kept[name], tensor) for name, tensor in model.state_dict().items())


def test_without_a_backward_pass_no_gradient_is_told() -> None:
    found = values(*tower())
    assert not found.went_backward
    assert all(one.gradient is None and one.gradient_norm is None for one in found.parameters)


def test_values_that_do_not_exist_are_counted_and_not_made_up() -> None:
    model, x = pictures()
    found = values(model.to("meta"), x.to("meta"))
    assert (found.activations, found.parameters) == ((), ())
    assert found.untold == 7 + len(list(model.parameters()))


def test_pictures_are_small_and_between_nothing_and_one() -> None:
    found = {one.path: one for one in values(*pictures()).activations}
    rows = found["conv1"].picture
    assert (len(rows), len(rows[0])) == (16, 16)
    flat = [value for row in rows for value in row if value is not None]
    assert (min(flat), max(flat)) == (0.0, 1.0)
    assert len(found["fc"].picture) == 2
