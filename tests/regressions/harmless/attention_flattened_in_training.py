"""Projections are named and called in another order, and those of a wrapped output are the attention's own."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="moved-module", module="layers.* ×2", atol=1e-4)
HEADS = 4


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    parts = [each.unflatten(-1, (HEADS, -1)).transpose(1, 2) for each in (query, key, value)]
    return functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        key, value, query = self.key(x), self.value(x), self.query(x)
        return attend(query, key, value)


class SelfOutput(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dense, self.dropout = nn.Linear(WIDTH, WIDTH), nn.Dropout(0.0)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.dropout(self.dense(x))
        return found


class Wrapped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention, self.output = SelfAttention(), SelfOutput()

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.output(self.attention(x))
        return found


class Flat(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.wo = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.wo(attend(self.q_proj(x), self.k_proj(x), self.v_proj(x)))
        return found


class Layer(nn.Module):
    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(WIDTH), attention

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = x + self.attention(self.norm(x))  # here
        return found


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Layer(Wrapped()) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layer:
            x = layer(x)
        return x


def before() -> Run:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = Encoder()

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.encoder(x)
            return found

    return Run(model=Model(), args=torch.randn(2, 8, WIDTH), backward=torch.sum)


def after() -> Run:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(Layer(Flat()) for _ in range(2))

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = layer(x)
            return x

    return Run(model=Model(), args=torch.randn(2, 8, WIDTH), backward=torch.sum)
