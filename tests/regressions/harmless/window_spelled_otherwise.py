"""The stride and the padding of a convolution and a pooling are given otherwise."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, max_pool2d

from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="same-argument", module="the model")


class Net(nn.Module):
    def __init__(self, *, spelled: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, 3, 3))
        self.spelled = spelled

    def forward(self, x: Tensor) -> Tensor:
        if self.spelled:
            return max_pool2d(conv2d(x, self.weight, stride=(1, 1), padding="valid"), 2, stride=(2, 2))  # here
        return max_pool2d(conv2d(x, self.weight), 2)


def before() -> Run:
    return Run(model=Net(spelled=False), args=torch.randn(1, 3, 8, 8))


def after() -> Run:
    return Run(model=Net(spelled=True), args=torch.randn(1, 3, 8, 8))
