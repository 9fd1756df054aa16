"""A class is defined in another file."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions import decoder
from tests.regressions.decoder import WIDTH, Projections
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Layer(nn.Module):
    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attention(self.norm(x))


class Attention(Projections):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        return self.merge((q @ k.mT).softmax(-1) @ v)


def before() -> Run:
    return Run(model=nn.Sequential(Layer(Attention())), args=torch.randn(2, 8, WIDTH))


def after() -> Run:
    return Run(model=nn.Sequential(decoder.Layer(Attention())), args=torch.randn(2, 8, WIDTH))
