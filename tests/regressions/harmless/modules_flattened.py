"""Modules around attention and the feed-forward part are dissolved, the others renamed: transformers' ViT."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from tests.regressions.decoder import HEADS, WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="moved-module", module="layers.* ×2")


def attend(q: Tensor, k: Tensor, v: Tensor, scale: float | None) -> Tensor:
    q, k, v = (x.unflatten(-1, (HEADS, -1)).transpose(1, 2) for x in (q, k, v))
    return scaled_dot_product_attention(q, k, v, scale=scale).transpose(1, 2).flatten(2)


class Heads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return attend(self.query(x), self.key(x), self.value(x), None)


class Output(nn.Module):
    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.dense = nn.Linear(width, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(x)


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.attention = nn.ModuleDict({"heads": Heads(), "output": Output()})
        self.inner = nn.Linear(WIDTH, 2 * WIDTH)
        self.output = Output(2 * WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention["output"](self.attention["heads"](self.norm(x)))
        return x + self.output(gelu(self.inner(x)))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        scale = (WIDTH // HEADS) ** -0.5
        return self.o_proj(attend(self.q_proj(x), self.k_proj(x), self.v_proj(x), scale))


class FeedForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(WIDTH, 2 * WIDTH)
        self.down = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(gelu(self.up(x)))


class Flat(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.attention = Attention()
        self.mlp = FeedForward()

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm(x))  # here
        return x + self.mlp(x)  # here


class Encoder(nn.Module):
    def __init__(self, layer: type[nn.Module]) -> None:
        super().__init__()
        self.layer = nn.ModuleList(layer() for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layer:
            x = layer(x)
        return x


class Before(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(Nested)

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(x)


class After(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Flat() for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


def before() -> Run:
    return Run(model=Before(), args=torch.randn(2, 16, WIDTH), grad=False)


def after() -> Run:
    return Run(model=After(), args=torch.randn(2, 16, WIDTH), grad=False)
