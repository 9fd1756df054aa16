"""Attention's own module is gone, and its projections have other names and another order: ViT in transformers 5."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.regressions.decoder import HEADS, WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="moved-module", module="layers.*.attention ×2")


def split(x: Tensor) -> Tensor:
    return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        k, v, q = split(self.key(x)), split(self.value(x)), split(self.query(x))
        return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class Output(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(x)


class Wrapped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention, self.output = Inner(), Output()

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.attention(x))


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = split(self.q_proj(x)), split(self.k_proj(x)), split(self.v_proj(x))
        return self.o_proj(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))  # here


class Layer(nn.Module):
    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(WIDTH), attention

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attention(self.norm(x))


class Model(nn.Module):
    def __init__(self, attention: type[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(attention()) for _ in range(2))
        self.head = nn.Sequential(nn.Linear(WIDTH, 8 * WIDTH), nn.GELU())

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


def run(attention: type[nn.Module]) -> Run:
    return Run(model=Model(attention), args=torch.randn(2, 16, WIDTH), grad=False)


def before() -> Run:
    return run(Wrapped)


def after() -> Run:
    return run(Plain)
