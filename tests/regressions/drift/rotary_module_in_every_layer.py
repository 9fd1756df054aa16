"""Every layer has a module of its own for positions, which the model called once: Gemma before transformers 4.48."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="repeated-work", module="layers.1.rotary")


class Rotary(nn.Module):
    frequencies: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("frequencies", 10000.0 ** (-torch.arange(WIDTH) / WIDTH))

    def forward(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        angles = positions[:, None] * self.frequencies  # here
        return angles.cos(), angles.sin()


class Layer(nn.Module):
    def __init__(self, *, own: bool) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)
        if own:
            self.rotary = Rotary()

    def forward(self, x: Tensor, positions: Tensor, table: tuple[Tensor, Tensor] | None) -> Tensor:
        cosines, sines = table or self.rotary(positions)
        return self.linear(x * cosines + x.flip(-1) * sines)


class Model(nn.Module):
    def __init__(self, *, own: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(own=own) for _ in range(2))
        self.rotary = None if own else Rotary()

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        table = None if self.rotary is None else self.rotary(positions)
        for layer in self.layers:
            x = layer(x, positions, table)
        return x


def run(*, own: bool) -> Run:
    return Run(model=Model(own=own), args=(torch.randn(8, WIDTH), torch.arange(8.0)))


def before() -> Run:
    return run(own=False)


def after() -> Run:
    return run(own=True)
