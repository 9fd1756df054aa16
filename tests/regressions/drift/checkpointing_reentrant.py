"""The default way of checkpointing changed from reentrant to not: transformers#43203."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="improved", cause="checkpointing-early-stop", module="backward layers.*.1, run again ×4")


class Model(nn.Module):
    def __init__(self, *, reentrant: bool) -> None:
        super().__init__()
        self.reentrant = reentrant
        self.embed = nn.Linear(WIDTH, WIDTH)
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU()) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for layer in self.layers:
            x = checkpoint(layer, x, use_reentrant=self.reentrant)
        return x


def run(*, reentrant: bool) -> Run:
    return Run(model=Model(reentrant=reentrant), args=torch.randn(2, 16, WIDTH), backward=torch.mean)


def before() -> Run:
    return run(reentrant=True)


def after() -> Run:
    return run(reentrant=False)
