"""A branch on the largest position reads it back from the device in every forward: transformers#35716."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.pair import Run, Told

TOLD = Told(cause="host-sync", module="rotary")
ORIGINAL_LENGTH = 32


class Rotary(nn.Module):
    short: Tensor
    long: Tensor

    def __init__(self, *, by_shape: bool) -> None:
        super().__init__()
        self.by_shape = by_shape
        self.register_buffer("short", torch.full((4,), 1.0))
        self.register_buffer("long", torch.full((4,), 2.0))

    def forward(self, positions: Tensor) -> Tensor:
        if self.by_shape:
            factors = self.long if positions.shape[-1] > ORIGINAL_LENGTH else self.short
        else:
            length = torch.max(positions) + 1
            factors = self.long if length > ORIGINAL_LENGTH else self.short  # here
        return (positions[:, :, None] * factors).cos()


class Model(nn.Module):
    def __init__(self, *, by_shape: bool) -> None:
        super().__init__()
        self.rotary = Rotary(by_shape=by_shape)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        return x * self.rotary(positions)


def run(*, by_shape: bool) -> Run:
    return Run(model=Model(by_shape=by_shape), args=(torch.randn(2, 16, 4), torch.arange(16).expand(2, -1)))


def before() -> Run:
    return run(by_shape=True)


def after() -> Run:
    return run(by_shape=False)
