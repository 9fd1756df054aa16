"""Attention by hand becomes one call while the module around the encoder goes: transformers' CLIP text model."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import HEADS, WIDTH, Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="attention-fused", module="decoder.layers.*.attention ×4", atol=1e-5)


class ByHand(Projections):
    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(x)
        scores = (q @ k.mT) * (WIDTH // HEADS) ** -0.5
        mask = torch.full(scores.shape[-2:], float("-inf")).triu(1)
        return self.merge((scores + mask).softmax(-1) @ v)


class Fused(Projections):
    def forward(self, x: Tensor) -> Tensor:
        return self.merge(scaled_dot_product_attention(*self.split(x), is_causal=True))  # here


class Text(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.decoder = Decoder(ByHand)
        self.norm = nn.LayerNorm(64)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.decoder(x))


class Wrapped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.text = Text()

    def forward(self, x: Tensor) -> Tensor:
        return self.text(x)


class Bare(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.decoder = Decoder(Fused)
        self.norm = nn.LayerNorm(64)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.decoder(x))


def before() -> Run:
    return Run(model=Wrapped(), args=tokens(), grad=False)


def after() -> Run:
    return Run(model=Bare(), args=tokens(), grad=False)
