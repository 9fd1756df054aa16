"""A derivative as part of the forward pass."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Energy(nn.Module):
    """Forces are the negative gradient of an energy."""

    def __init__(self) -> None:
        super().__init__()
        self.energy = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, places: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            places = places.detach().requires_grad_()
            energy = self.energy(places).sum()
            (slope,) = torch.autograd.grad(energy, places)
        return energy.detach(), -slope


def example() -> Example:
    return Example(Energy().eval(), torch.randn(4, 3))
