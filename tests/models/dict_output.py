"""Outputs in a mapping, one of them twice and one no tensor."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Heads(nn.Module):
    """Two heads on one trunk."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Linear(8, 8)
        self.heads = nn.ModuleDict({"label": nn.Linear(8, 3), "box": nn.Linear(8, 4)})

    def forward(self, x: Tensor) -> dict[str, Any]:
        x = torch.relu(self.trunk(x))
        label = self.heads["label"](x)
        return {"label": label, "box": self.heads["box"](x), "again": label, "classes": 3, "nothing": None}


def example() -> Example:
    return Example(Heads().eval(), torch.randn(2, 8))
