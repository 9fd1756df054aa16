"""Operations that the model's library registered itself, one of which writes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


@torch.library.custom_op("torchgraph_tests::scaled_tanh", mutates_args=())
def scaled_tanh(x: Tensor, scale: float) -> Tensor:
    """An operation of this project's tests."""
    return torch.tanh(x) * scale


@torch.library.custom_op("torchgraph_tests::shift_", mutates_args=("x",))
def shift_(x: Tensor, by: float) -> None:
    """One that writes its argument."""
    x.add_(by)


class Custom(nn.Module):
    """Calls both."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        y = scaled_tanh(self.mix(x), 0.5)
        shift_(y, 1.0)
        return y


def example() -> Example:
    return Example(Custom().eval(), torch.randn(2, 8))
