"""Independent lines stand in another order."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="reordered", module="the model")


def before() -> Run:
    class Rotation(nn.Module):
        def forward(self, x: Tensor, angle: Tensor) -> Tensor:
            sin = angle.sin()
            cos = angle.cos()
            return x * cos + x.flip(-1) * sin

    return Run(model=Rotation(), args=(torch.randn(2, WIDTH), torch.randn(WIDTH)))


def after() -> Run:
    class Rotation(nn.Module):
        def forward(self, x: Tensor, angle: Tensor) -> Tensor:
            cos = angle.cos()
            sin = angle.sin()  # here
            return x * cos + x.flip(-1) * sin

    return Run(model=Rotation(), args=(torch.randn(2, WIDTH), torch.randn(WIDTH)))
