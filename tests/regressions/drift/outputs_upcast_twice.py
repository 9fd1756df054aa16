"""A wrapper upcasts outputs that the loss upcasts itself: accelerate#3477, #2638, #3620."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="upcast", module="the model", atol=2e-2)
WORDS = 500


class Wrapped(nn.Module):
    def __init__(self, *, converts: bool) -> None:
        super().__init__()
        self.converts = converts
        self.head = nn.Linear(WIDTH, WORDS)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden, logits = x.tanh(), self.head(x)
        if self.converts:
            hidden, logits = hidden.float(), logits.float()  # here
        return hidden, logits


def loss(outputs: tuple[Tensor, Tensor]) -> Tensor:
    logits = outputs[1].float()
    return cross_entropy(logits, torch.zeros(logits.shape[0], dtype=torch.long))


def run(*, converts: bool) -> Run:
    model = Wrapped(converts=converts).bfloat16()
    return Run(model=model, args=torch.randn(32, WIDTH, dtype=torch.bfloat16), backward=loss)


def before() -> Run:
    return run(converts=False)


def after() -> Run:
    return run(converts=True)
