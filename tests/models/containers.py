"""State in every kind of container: deque, set, dataclass, an object with slots, a plain list of layers, a cycle."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from tests.models.example import Example


@dataclass
class Statistics:
    """What was seen."""

    mean: Tensor
    seen: list[tuple[int, ...]] = field(default_factory=list)


class Window:
    """The latest inputs, in slots; it knows who owns it."""

    __slots__ = ("filled", "latest", "owner")
    filled: bool

    def __init__(self, owner: list[Any]) -> None:
        self.owner = owner
        self.latest: deque[Tensor] = deque(maxlen=2)


class Containers(nn.Module):
    """Changes all of them in every call, and computes the same from the second on."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(8, 8), nn.Linear(8, 8)]
        self.owners: list[Any] = []
        self.window = Window(self.owners)
        self.owners.append(self.window)
        self.statistics = Statistics(torch.zeros(8))
        self.shapes: set[tuple[int, ...]] = set()
        self.calls: Counter[str] = Counter()
        self.kept: defaultdict[str, list[int]] = defaultdict(list)

    def forward(self, x: Tensor) -> Tensor:
        self.calls["forward"] += 1
        self.kept["widths"].append(x.shape[-1])
        self.shapes.add(tuple(x.shape))
        self.window.latest.append(x)
        self.window.filled = True
        self.statistics.mean.add_(x.detach().mean(0))
        self.statistics.seen.append(tuple(x.shape))
        for layer in self.layers:
            x = torch.relu(layer(x))
        return x


def example() -> Example:
    return Example(Containers().train(), torch.randn(2, 8))
