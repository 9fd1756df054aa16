"""Down and up again, with connections across."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.models.example import Example


class Unet(nn.Module):
    """Two levels, transposed convolutions upwards."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)])
        self.bottom = nn.Conv2d(16, 16, 3, padding=1)
        self.up = nn.ModuleList([nn.ConvTranspose2d(16, 16, 2, 2), nn.ConvTranspose2d(32, 8, 2, 2)])
        self.out = nn.Conv2d(16, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for layer in self.down:
            x = torch.relu(layer(x))
            kept.append(x)
            x = functional.max_pool2d(x, 2)
        x = torch.relu(self.bottom(x))
        for layer, across in zip(self.up, reversed(kept), strict=True):
            x = torch.cat([layer(x), across], 1)
        return self.out(x)


def example() -> Example:
    return Example(Unet().eval(), torch.randn(1, 3, 16, 16))
