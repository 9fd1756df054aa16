"""Module and output names that are no identifiers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example

NAMES = ("a b", "größe", "层", "x[0]", "class", "0", "%in0", 'quote"d', "#2", "a/b", "new\nline", "")


class Odd(nn.Module):
    """Children whose names a line-oriented text must quote; results under the same names."""

    def __init__(self) -> None:
        super().__init__()
        self.children_by_name = nn.ModuleDict({name: nn.Linear(4, 4) for name in NAMES if name})
        self.register_parameter("odd weight", nn.Parameter(torch.ones(4)))
        self.register_buffer("odd buffer", torch.ones(4))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = x * self.get_parameter("odd weight") + self.get_buffer("odd buffer")
        out = {name: child(x) for name, child in self.children_by_name.items()}
        return {**out, "": x}


def example() -> Example:
    return Example(Odd().eval(), torch.randn(2, 4))
