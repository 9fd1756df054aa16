"""In-place metadata, writes through views, and indexed writes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Inplace(nn.Module):
    """Every kind of write that no result shows."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mix(x)
        x.unsqueeze_(1)
        x[:, :, 2:4] = 0.5
        x.transpose_(0, 1)
        x[..., 0] += x[..., 1]
        x.view(-1)[3:6].mul_(2)
        rows, columns = torch.tensor([0, 1]), torch.tensor([5, 6])
        x[0, rows, columns] = x[0, columns - 5, rows]
        x.masked_fill_(x > 1, 1.0)
        out = torch.empty_like(x)
        torch.sigmoid(x.detach(), out=out)
        return out.squeeze_(0)


def example() -> Example:
    return Example(Inplace().eval(), torch.randn(2, 8))
