"""The projections of attention have other names and are called in another order."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="renamed", module="query")
BEFORE, AFTER = ("key", "value", "query"), ("k_proj", "v_proj", "q_proj")


class Attention(nn.Module):
    def __init__(self, names: tuple[str, str, str], order: tuple[int, ...]) -> None:
        super().__init__()
        self.names, self.order = names, order
        for name in names:
            self.add_module(name, nn.Linear(WIDTH, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        made = {at: getattr(self, self.names[at])(x) for at in self.order}
        k, v, q = (made[at].unflatten(-1, (2, WIDTH // 2)).transpose(1, 2) for at in range(3))
        return functional.scaled_dot_product_attention(q, k, v)


def before() -> Run:
    return Run(model=Attention(BEFORE, (0, 1, 2)), args=torch.randn(2, 6, WIDTH))


def after() -> Run:
    return Run(model=Attention(AFTER, (2, 0, 1)), args=torch.randn(2, 6, WIDTH))
