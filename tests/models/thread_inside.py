"""A part that runs on another thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Threaded(nn.Module):
    """One half on this thread, the other on a thread of its own; one waits for the other."""

    def __init__(self) -> None:
        super().__init__()
        self.here = nn.Linear(8, 8)
        self.there = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(self.there, x).result()
        return self.here(x) + other


def example() -> Example:
    return Example(Threaded().eval(), torch.randn(2, 8))
