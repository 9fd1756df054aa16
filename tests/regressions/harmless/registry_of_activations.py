"""An activation comes from a table of names instead of being written out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "silu": nn.SiLU}


def before() -> Run:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.act = nn.Linear(WIDTH, WIDTH), nn.SiLU()

        def forward(self, x: Tensor) -> Tensor:
            return self.act(self.linear(x))

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.act = nn.Linear(WIDTH, WIDTH), ACTIVATIONS["silu"]()

        def forward(self, x: Tensor) -> Tensor:
            return self.act(self.linear(x))

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
