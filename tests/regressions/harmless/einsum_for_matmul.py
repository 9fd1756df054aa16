"""``einsum`` for a product of matrices, and ``matmul`` for ``@``."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


def run(model: nn.Module) -> Run:
    return Run(model=model, args=(torch.randn(2, 4, 8), torch.randn(2, 8, 4)))


def before() -> Run:
    class Product(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return torch.bmm(x, y) @ x

    return run(Product())


def after() -> Run:
    class Product(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return torch.matmul(torch.einsum("bij,bjk->bik", x, y), x)

    return run(Product())
