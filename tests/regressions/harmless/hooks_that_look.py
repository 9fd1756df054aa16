"""Hooks that only look at shapes, asserts and a counter in Python."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.LayerNorm(WIDTH))


def before() -> Run:
    return Run(model=model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    shapes: list[tuple[int, ...]] = []

    def look(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert output.shape[-1] == WIDTH
        assert not output.is_sparse
        shapes.append(tuple(output.shape))

    looked_at = model()
    for part in looked_at:
        part.register_forward_hook(look)
    return Run(model=looked_at, args=torch.randn(2, WIDTH))
