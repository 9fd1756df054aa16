"""A whole training step as one call of the model, whose optimizer nobody else knows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Trainer(nn.Module):
    """Fits its network to zero."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Linear(8, 4)
        self.optimizer = torch.optim.Adam(self.network.parameters())
        self.steps = 0

    def forward(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            self.optimizer.zero_grad()
            loss = self.network(x).square().mean()
            loss.backward()
            self.optimizer.step()
        self.steps += 1
        return loss.detach()


def example() -> Example:
    return Example(Trainer().train(), torch.randn(2, 8))
