"""Values read back to the host in every way there is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Syncing(nn.Module):
    """``item``, ``bool``, ``nonzero``, boolean masks, ``tolist`` and ``unique``."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        y = self.mix(x)
        y = y / y.abs().max().item()
        if (y > -2).all():
            y = y + 1
        y = y[y > -9].view_as(y)
        places = torch.ones(3).nonzero()
        first, *_ = x.shape[0] * torch.ones(2).long().tolist()
        return y * float(places.sum()) + first + torch.ones(4).unique().numel()


def example() -> Example:
    return Example(Syncing().eval(), torch.randn(2, 8))
