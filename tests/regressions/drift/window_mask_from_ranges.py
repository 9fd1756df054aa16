"""The regions of shifted windows are made of two comparisons, where each was written into an image of zeros."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="mask-rebuilt", module="block")
SIDE, SHIFT = 4, 1


class Block(nn.Module):
    def __init__(self, *, compared: bool) -> None:
        super().__init__()
        self.qkv, self.compared = nn.Linear(WIDTH, 3 * WIDTH), compared

    def regions(self) -> Tensor:
        if self.compared:
            at = torch.arange(SIDE)
            late = (at >= SIDE - 2).long() + (at >= SIDE - SHIFT).long()  # here
            return (late[:, None] * 3 + late[None, :]).float()  # here
        image = torch.zeros(SIDE, SIDE)
        for number, (rows, columns) in enumerate((a, b) for a in parts() for b in parts()):
            image[rows, columns] = number
        return image

    def forward(self, x: Tensor) -> Tensor:
        regions = self.regions().flatten()
        apart = regions[None, :] - regions[:, None]
        mask = apart.masked_fill(apart != 0, -100.0)
        query, key, value = self.qkv(x).chunk(3, -1)
        scores = (query @ key.transpose(-1, -2)) * 0.25 + mask
        return scores.softmax(-1) @ value


def parts() -> list[slice]:
    return [slice(0, SIDE - 2), slice(SIDE - 2, SIDE - SHIFT), slice(SIDE - SHIFT, SIDE)]


class Model(nn.Module):
    def __init__(self, *, compared: bool) -> None:
        super().__init__()
        self.block = Block(compared=compared)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.block(x)
        return found


def run(*, compared: bool) -> Run:
    return Run(model=Model(compared=compared), args=torch.randn(2, SIDE * SIDE, WIDTH), backward=torch.sum)


def before() -> Run:
    return run(compared=False)


def after() -> Run:
    return run(compared=True)
