"""The last logits alone were made float32; now all are, and then the last ones are taken: transformers#34147."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="upcast", module="the model")
WORDS = 2000


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(WIDTH, WIDTH)
        self.lm_head = nn.Linear(WIDTH, WORDS, bias=False)


def run(model: Model) -> Run:
    return Run(model=model.bfloat16(), args=torch.randn(2, 16, WIDTH, dtype=torch.bfloat16), grad=False)


def before() -> Run:
    class LanguageModel(Model):
        def forward(self, hidden: Tensor) -> Tensor:
            return self.lm_head(self.body(hidden))[:, -1].float()

    return run(LanguageModel())


def after() -> Run:
    class LanguageModel(Model):
        def forward(self, hidden: Tensor) -> Tensor:
            return self.lm_head(self.body(hidden)).float()[:, -1]  # here

    return run(LanguageModel())
