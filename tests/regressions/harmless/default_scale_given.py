"""The scale of attention is given, and is the default one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="same-argument", module="the model")


def run(scale: float | None) -> Run:
    class Attention(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            q = x.unflatten(-1, (2, WIDTH // 2)).transpose(1, 2)
            return functional.scaled_dot_product_attention(q, q, q, scale=scale)  # here

    return Run(model=Attention(), args=torch.randn(2, 8, WIDTH))


def before() -> Run:
    return run(None)


def after() -> Run:
    return run((WIDTH // 2) ** -0.5)
