"""A decorator that only looks at arguments stands over ``forward``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)


def checked(forward: Callable[[Any, Tensor], Tensor]) -> Callable[[Any, Tensor], Tensor]:
    @wraps(forward)
    def inner(self: Any, x: Tensor) -> Tensor:
        if x.shape[-1] != WIDTH:
            raise ValueError(x.shape)
        return forward(self, x)

    return inner


def before() -> Run:
    class Model(Parts):
        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x).relu()

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(Parts):
        @checked
        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x).relu()

    return Run(model=Model(), args=torch.randn(2, WIDTH), backward=torch.sum)
