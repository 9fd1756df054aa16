"""``inference_mode`` for ``no_grad``."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x).relu()


def before() -> Run:
    class Predictor(Model):
        @torch.no_grad()
        def predict(self, x: Tensor) -> Tensor:
            return self(x)

    return Run(model=Predictor().eval().predict, args=torch.randn(2, WIDTH))


def after() -> Run:
    class Predictor(Model):
        @torch.inference_mode()
        def predict(self, x: Tensor) -> Tensor:
            return self(x)

    return Run(model=Predictor().eval().predict, args=torch.randn(2, WIDTH))
