"""All logits become float32 although only the last ones are read: transformers#30860, #31292, #33902, #34147."""

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
            return self.lm_head(self.body(hidden))

    return run(LanguageModel())


def after() -> Run:
    class LanguageModel(Model):
        def forward(self, hidden: Tensor) -> Tensor:
            return self.lm_head(self.body(hidden)).float()  # here

    return run(LanguageModel())
