"""A backbone that is not trained keeps its buffers for a backward pass: pytorch#1184."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.pair import Run, Told

TOLD = Told(cause="saved-more")


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        convolutions = (nn.Conv2d(3 if n == 0 else 8, 8, 3, padding=1) for n in range(4))
        self.backbone = nn.Sequential(*(part for conv in convolutions for part in (conv, nn.ReLU())))
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x).mean((2, 3)))


def before() -> Run:
    model = Model()
    model.backbone.requires_grad_(False)
    return Run(model=model, args=torch.randn(2, 3, 16, 16))


def after() -> Run:
    model = Model()
    return Run(model=model, args=torch.randn(2, 3, 16, 16))
