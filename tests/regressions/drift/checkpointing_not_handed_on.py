"""``gradient_checkpointing=True`` is accepted by a wrapper and never reaches the model: sentence-transformers#2717."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="checkpointing-off", module="backward encoder.layers.*, run again ×4")


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(torch.nn.functional.gelu(self.up(x)))  # here


class Encoder(nn.Module):
    gradient_checkpointing = False

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer() for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = checkpoint(layer, x, use_reentrant=False) if self.gradient_checkpointing else layer(x)
        return x


class Wrapper(nn.Module):
    gradient_checkpointing = False

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(x)


def run(model: Wrapper) -> Run:
    return Run(model=model, args=torch.randn(2, 16, WIDTH), backward=torch.mean)


def before() -> Run:
    model = Wrapper()
    model.encoder.gradient_checkpointing = True
    return run(model)


def after() -> Run:
    model = Wrapper()
    model.gradient_checkpointing = True
    return run(model)
