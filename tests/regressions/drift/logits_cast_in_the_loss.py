"""Logits are cast inside the loss and handed out as they are: the caller holds the narrow ones while the loss runs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="output-uncast", gradients=False)


class Model(nn.Module):
    def __init__(self, *, inside: bool) -> None:
        super().__init__()
        self.inside = inside
        self.head = nn.Linear(WIDTH, 64, bias=False).bfloat16()

    def forward(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.head(x)
        wide = logits.float()
        return functional.cross_entropy(wide, labels), logits if self.inside else wide


def run(*, inside: bool) -> Run:
    args = torch.randn(8, WIDTH).bfloat16(), torch.arange(8)
    return Run(model=Model(inside=inside), args=args, backward=lambda output: output[0])


def before() -> Run:
    return run(inside=False)


def after() -> Run:
    return run(inside=True)
