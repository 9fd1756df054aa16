"""LayerNorm became a root mean square norm, its bias is held and trained no longer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="gradient-lost", module="backward 1", atol=10, gradients=False)


class Rms(nn.LayerNorm):
    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, (WIDTH,), self.weight, 1e-5)  # here


def run(norm: nn.Module) -> Run:
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), norm, nn.Linear(WIDTH, WIDTH))
    return Run(model=model, args=torch.randn(2, 16, WIDTH), backward=torch.sum)


def before() -> Run:
    return run(nn.LayerNorm(WIDTH))


def after() -> Run:
    return run(Rms(WIDTH))
