"""The same part is computed again for each use of its result: MIMIC_Extract#58, os2d#15, TF-segmentation#26."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="repeated-work", module="backbone#2")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
        self.boxes = nn.Linear(WIDTH, 4)
        self.classes = nn.Linear(WIDTH, 10)


def before() -> Run:
    class Detector(Parts):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            features = self.backbone(x)
            return self.boxes(features), self.classes(features)

    return Run(model=Detector(), args=torch.randn(8, WIDTH), grad=False)


def after() -> Run:
    class Detector(Parts):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.boxes(self.backbone(x)), self.classes(self.backbone(x))  # here

    return Run(model=Detector(), args=torch.randn(8, WIDTH), grad=False)
