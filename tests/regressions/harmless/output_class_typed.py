"""A dictionary of outputs has a class of its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)


class Output(dict[str, Tensor]):
    @property
    def logits(self) -> Tensor:
        return self["logits"]


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> dict[str, Tensor]:
            hidden = self.linear(x)
            return {"hidden": hidden, "logits": hidden.relu()}

    return Run(model=Model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Output:
            hidden = self.linear(x)
            return Output(hidden=hidden, logits=hidden.relu())

    return Run(model=Model(), args=torch.randn(2, WIDTH))
