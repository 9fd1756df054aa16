"""Parts of a layer that is checkpointed are checkpointed again: NeMo-Automodel#1621."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="checkpointing-twice", module="backward layers.*.mlp, run again ×4")


class Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(torch.nn.functional.gelu(self.up(x)))  # here


class Layer(nn.Module):
    def __init__(self, *, nested: bool) -> None:
        super().__init__()
        self.nested = nested
        self.norm = nn.LayerNorm(WIDTH)
        self.mlp = Mlp()
        self.norm_after = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        made = self.norm(x)
        made = checkpoint(self.mlp, made, use_reentrant=False) if self.nested else self.mlp(made)
        return x + self.norm_after(made)


class Model(nn.Module):
    def __init__(self, *, nested: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(nested=nested) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = checkpoint(layer, x, use_reentrant=False)
        return x


def run(*, nested: bool) -> Run:
    return Run(model=Model(nested=nested), args=torch.randn(2, 16, WIDTH), backward=torch.mean)


def before() -> Run:
    return run(nested=False)


def after() -> Run:
    return run(nested=True)
