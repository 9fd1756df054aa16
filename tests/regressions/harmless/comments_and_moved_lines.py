"""Comments, a docstring and another formatting."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(WIDTH, 2 * WIDTH)
        self.down = nn.Linear(2 * WIDTH, WIDTH)


def before() -> Run:
    class Mlp(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return x + self.down(torch.relu(self.up(x)))

    return Run(model=Mlp(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Mlp(Parts):
        """Two projections around an activation, and a residual connection."""

        def forward(self, x: Tensor) -> Tensor:
            # A name for what is wide would keep it alive until the end.
            return x + self.down(
                torch.relu(
                    self.up(x),
                ),
            )

    return Run(model=Mlp(), args=torch.randn(2, WIDTH))
