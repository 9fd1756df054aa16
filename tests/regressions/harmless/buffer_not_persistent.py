"""A buffer is no longer written to checkpoints."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Parts(nn.Module):
    table: Tensor

    def __init__(self, *, persistent: bool) -> None:
        super().__init__()
        self.register_buffer("table", torch.arange(WIDTH) / WIDTH, persistent=persistent)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.table.cos()


def before() -> Run:
    class Model(Parts):
        def __init__(self) -> None:
            super().__init__(persistent=True)

    return Run(model=Model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Model(Parts):
        def __init__(self) -> None:
            super().__init__(persistent=False)

    return Run(model=Model(), args=torch.randn(2, WIDTH))
