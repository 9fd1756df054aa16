"""Repeated lines become a function of their own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


def before() -> Run:
    class Rotary(nn.Module):
        def forward(self, q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
            turned_q = torch.cat([-q[..., WIDTH // 2 :], q[..., : WIDTH // 2]], -1)
            turned_k = torch.cat([-k[..., WIDTH // 2 :], k[..., : WIDTH // 2]], -1)
            return q * cos + turned_q * sin, k * cos + turned_k * sin

    return Run(model=Rotary(), args=tuple(torch.randn(2, WIDTH) for _ in range(4)))


def turned(x: Tensor) -> Tensor:
    left, right = x.chunk(2, -1)
    return torch.cat([-right, left], -1)


def after() -> Run:
    class Rotary(nn.Module):
        def forward(self, q: Tensor, k: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
            turned_q, turned_k = turned(q), turned(k)
            return q * cos + turned_q * sin, k * cos + turned_k * sin

    return Run(model=Rotary(), args=tuple(torch.randn(2, WIDTH) for _ in range(4)))
