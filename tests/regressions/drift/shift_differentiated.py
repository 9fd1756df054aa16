"""The largest value, by which a sum of exponentials is shifted, is differentiated, though its gradient is zero."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="gradient-added", module="backward layers.* ×3")


class Layer(nn.Module):
    def __init__(self, *, detached: bool) -> None:
        super().__init__()
        self.detached = detached
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.up(x)
        largest = scores.amax(-1, keepdim=True)  # here
        if self.detached:
            largest = largest.detach()
        powers = (scores - largest).exp()  # here
        return x + self.down(powers / powers.sum(-1, keepdim=True))


def run(*, detached: bool) -> Run:
    layers = nn.ModuleDict({"layers": nn.Sequential(*(Layer(detached=detached) for _ in range(3)))})
    layers.forward = layers["layers"].forward
    return Run(model=layers, args=torch.randn(16, WIDTH), backward=torch.mean)


def before() -> Run:
    return run(detached=True)


def after() -> Run:
    return run(detached=False)
