"""An encoder's output is detached for a log and used detached: the outputs are the same, the encoder learns no more."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="gradient-lost", module="backward encoder", gradients=False)


class Model(nn.Module):
    def __init__(self, *, detached: bool) -> None:
        super().__init__()
        self.detached = detached
        self.encoder = nn.Sequential(*(nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU()) for _ in range(3)))
        self.head = nn.Linear(WIDTH, 4)

    def forward(self, x: Tensor) -> Tensor:
        found = self.encoder(x)  # here
        if self.detached:
            found = found.detach()
        return self.head(found)


def run(*, detached: bool) -> Run:
    model = Model(detached=detached)
    optimizer = torch.optim.AdamW(model.parameters(), foreach=False)
    return Run(model=model, args=torch.randn(16, WIDTH), backward=torch.mean, optimizer=optimizer)


def before() -> Run:
    return run(detached=False)


def after() -> Run:
    return run(detached=True)
