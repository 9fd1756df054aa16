"""Small decoders that do one thing otherwise, for the causes that are told of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.graph import Graph

WIDTH, HEADS, LENGTH = 32, 4, 12
TOKENS = torch.arange(2 * LENGTH).view(2, LENGTH)


class Attention(nn.Module):
    """Attention of *kv* heads of keys; *how* it is computed is among the names of the pairs."""

    def __init__(self, how: str, kv: int) -> None:
        super().__init__()
        self.how = how
        self.q = nn.Linear(WIDTH, WIDTH)
        self.k, self.v = (nn.Linear(WIDTH, WIDTH // HEADS * kv) for _ in range(2))
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        size = WIDTH // HEADS
        q, k, v = (each(x).unflatten(-1, (-1, size)).transpose(1, 2) for each in (self.q, self.k, self.v))
        if self.how == "contiguous":
            q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
        if self.how == "repeat":
            k, v = (each[:, :, None].expand(-1, -1, 2, -1, -1).reshape(q.shape) for each in (k, v))
        if self.how == "by hand":
            lower = torch.full((LENGTH, LENGTH), float("-inf")).triu(1)
            found = (q @ k.transpose(-1, -2) / size**0.5 + lower).softmax(-1) @ v
        else:
            found = functional.scaled_dot_product_attention(
                q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=k.shape[1] != q.shape[1]
            )
        joined: Tensor = self.out(found.transpose(1, 2).flatten(2))
        return joined


class Layer(nn.Module):
    """Attention and a feed-forward part."""

    def __init__(self, how: str, kv: int) -> None:
        super().__init__()
        self.how = how
        self.norm = nn.LayerNorm(WIDTH)
        self.attention = Attention(how, kv)
        self.up, self.down = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.drop = nn.Dropout(1e-9 if how == "dropout" else 0.0)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = x + self.attention(self.norm(x), mask)
        if self.how == "sync" and bool(x.sum() > 1e9):
            x = x * 2
        wide = self.up(x)
        if self.how == "twice":
            wide = wide + self.up(x)
        if self.how.startswith("weighed"):
            weight = (wide * wide).mean(-1, keepdim=True).rsqrt()
            wide = wide * (weight.detach() if self.how == "weighed detached" else weight)
        if self.how == "unused":
            self.up(x).exp()
        found: Tensor = x + self.drop(self.down(self.activated(wide)))
        return found

    def activated(self, x: Tensor) -> Tensor:
        """The activation in one of its forms."""
        if self.how == "in place":
            return x.relu_()
        if self.how == "silu":
            return functional.silu(x)
        return x * x.sigmoid() if self.how == "silu by hand" else x.relu()


class Decoder(nn.Module):
    """Two layers between an embedding and a head."""

    def __init__(self, how: str = "", *, kv: int = HEADS, layers: int = 2, vocabulary: int = 50) -> None:
        super().__init__()
        self.how = how
        self.embed = nn.Embedding(vocabulary, WIDTH)
        self.layers = nn.ModuleList(Layer(how, kv) for _ in range(layers))
        self.head = nn.Linear(WIDTH, vocabulary, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        x, mask = self.embed(tokens), self.mask(tokens)
        if self.how == "detached":
            x = x.detach()
        for layer in self.layers:
            x = checkpoint(layer, x, mask, use_reentrant=False) if self.how == "checkpoint" else layer(x, mask)
        logits: Tensor = functional.linear(x, self.head.weight.clone()) if self.how == "moved" else self.head(x)
        casts = {"upcast": torch.float32, "downcast": torch.float16}
        return logits.to(casts[self.how]) if self.how in casts else logits

    def mask(self, tokens: Tensor) -> Tensor | None:
        """A causal mask, where one is passed."""
        if not self.how.startswith("mask"):
            return None
        mask = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()[None, None].expand(len(tokens), 1, -1, -1)
        return mask.contiguous() if self.how == "mask copied" else mask


def graph_of(how: str = "", *, dtype: torch.dtype = torch.float32, tokens: Tensor = TOKENS, **options: Any) -> Graph:
    """One forward pass of a :class:`Decoder`; ``grad`` and ``train`` are modes, other options are the decoder's."""
    torch.manual_seed(0)
    grad, train = options.pop("grad", False), options.pop("train", False)
    model = Decoder(how, **options).to(dtype).train(train)
    with torch.set_grad_enabled(grad):
        return trace(model, tokens)


def step_of(
    how: str = "",
    *,
    optimizer: Callable[[Any], torch.optim.Optimizer] | None = None,
    frozen: bool = False,
    train: bool = False,
) -> Graph:
    """A training step of a :class:`Decoder`; its first part may be frozen."""
    torch.manual_seed(0)
    model = Decoder(how).train(train)
    if frozen:
        model.embed.requires_grad_(False)
        model.layers[0].requires_grad_(False)
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return trace(model, TOKENS, backward=True, optimizer=optimizer(learnt) if optimizer else None)
