"""The upcast moved into the loss, so that its caller still holds the logits in half precision: transformers 4.46."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="kept-alive")
WORDS = 2000


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(WIDTH, WIDTH)
        self.lm_head = nn.Linear(WIDTH, WORDS, bias=False)


def run(model: nn.Module) -> Run:
    hidden = torch.randn(2, 16, WIDTH, dtype=torch.bfloat16)
    return Run(model=model.bfloat16(), args=(hidden, torch.randint(0, WORDS, (2, 16))))


def before() -> Run:
    class LanguageModel(Model):
        def forward(self, hidden: Tensor, labels: Tensor) -> Tensor:
            logits = self.lm_head(self.body(hidden))
            logits = logits.float()
            return cross_entropy(logits.flatten(0, 1), labels.flatten())

    return run(LanguageModel())


def after() -> Run:
    class LanguageModel(Model):
        def forward(self, hidden: Tensor, labels: Tensor) -> Tensor:
            logits = self.lm_head(self.body(hidden))
            return self.loss(logits, labels)

        def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
            logits = logits.float()
            return cross_entropy(logits.flatten(0, 1), labels.flatten())

    return run(LanguageModel())
