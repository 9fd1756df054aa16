"""A dictionary of outputs for a tuple of them: callers must follow, so it fails, but nothing else is said."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="drift", cause="renamed")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.boxes = nn.Linear(WIDTH, 4)
        self.classes = nn.Linear(WIDTH, 10)


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return self.boxes(x), self.classes(x)

    return Run(model=Model(), args=torch.randn(2, WIDTH))


def after() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"boxes": self.boxes(x), "classes": self.classes(x)}

    return Run(model=Model(), args=torch.randn(2, WIDTH))
