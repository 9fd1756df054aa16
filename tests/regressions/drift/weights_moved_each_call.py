"""A comparison that never holds moves the whole model in every prediction: rf-detr#1311."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="moved-each-call", module="the model")


class Predictor(nn.Module):
    def __init__(self, dtype: object) -> None:
        super().__init__()
        self.model = nn.Sequential(*(nn.Linear(WIDTH, WIDTH) for _ in range(3)))
        self.dtype = dtype

    def forward(self, x: Tensor) -> Tensor:
        weights: dict[str, Tensor] = dict(self.model.named_parameters())
        if self.dtype != torch.float32:
            weights = {name: weight.to("cpu", copy=True) for name, weight in weights.items()}  # here
        return functional_call(self.model, weights, x)


def before() -> Run:
    return Run(model=Predictor(torch.float32), args=torch.randn(2, WIDTH), grad=False)


def after() -> Run:
    return Run(model=Predictor("torch.float32"), args=torch.randn(2, WIDTH), grad=False)
