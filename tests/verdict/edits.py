"""Small models that differ by one edit, for causes that a decoder has no place for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts

from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.graph import Graph
from tests.capture.small import Calls

SIZE, LENGTH = 8, 6
X = torch.ones(2, LENGTH, SIZE)


def heads(x: Tensor) -> Tensor:
    return x.unflatten(-1, (2, SIZE // 2)).transpose(1, 2)


def masked(how: str) -> Graph:
    """Attention under a causal mask that is made in two ways."""

    def run(_: Any, x: Tensor) -> Tensor:
        if how == "triu":
            mask = torch.full((LENGTH, LENGTH), float("-inf")).triu(1)
        else:
            at = torch.arange(LENGTH)
            mask = torch.zeros(LENGTH, LENGTH).masked_fill_(at > at[:, None], float("-inf"))
        q = heads(x)
        return functional.scaled_dot_product_attention(q, q, q, attn_mask=mask)

    return trace(Calls(run), X)


def scale(*, given: bool) -> Graph:
    """Attention whose scale is left out, or given as what it is by default."""

    def run(_: Any, x: Tensor) -> Tensor:
        q = heads(x)
        return functional.scaled_dot_product_attention(q, q, q, scale=(SIZE // 2) ** -0.5 if given else None)

    return trace(Calls(run), X)


def tokened(*sizes: int) -> Graph:
    """A token in front of the rest, held in some dimensions."""
    token = nn.Parameter(torch.ones(*sizes))
    model = Calls(lambda model, x: torch.cat([model.token.expand(len(x), 1, SIZE), x], dim=1))
    model.register_parameter("token", token)
    return trace(model, X)


def narrowed(*, before: bool) -> Graph:
    """A product that is narrowed before or after it is summed."""

    def run(_: Any, x: Tensor) -> Tensor:
        product = x * 3
        return product.bfloat16().sum(1) if before else product.sum(1).bfloat16()

    return trace(Calls(run), X)


def cast_in(part: int) -> Graph:
    """Two parts, one of which computes its result in float64 and rounds it."""

    class Part(nn.Module):
        def __init__(self, size: int, *, wide: bool) -> None:
            super().__init__()
            self.linear, self.wide = nn.Linear(SIZE, size), wide

        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = self.linear(x)
            return made.double().float() if self.wide else made

    def run(model: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        return model.left(x), model.right(x)

    left, right = Part(SIZE, wide=part == 0), Part(3, wide=part == 1)
    return trace(Calls(run, left=left, right=right), X)


def by_hand(*, contiguous: bool) -> Graph:
    """Attention by hand of heads that may be made contiguous."""

    def run(_: Any, x: Tensor) -> Tensor:
        q, k, v = heads(x), heads(x + 1), heads(x + 2)
        if contiguous:
            q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
        return torch.matmul(q, k.transpose(-1, -2)).softmax(-1) @ v

    return trace(Calls(run), X)


def rerun(how: object) -> Graph:
    """Checkpointed layers: reentrant, not, or keeping what matrices are multiplied to."""

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.linear = nn.LayerNorm(SIZE), nn.Linear(SIZE, SIZE)

        def forward(self, x: Tensor) -> Tensor:
            return x + functional.gelu(self.linear(self.norm(x)))

    class Layers(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(Layer() for _ in range(2))

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                options: dict[str, Any] = {"use_reentrant": how is True}
                if how == "kept":
                    kept = [torch.ops.aten.addmm.default]
                    options["context_fn"] = partial(create_selective_checkpoint_contexts, kept)
                x = checkpoint(layer, x, **options)
            return x

    return trace(Layers(), X.clone().requires_grad_(), backward=True, warmup=1)


def activation(*, shared: bool) -> Graph:
    """Two parts with one activation between them, or with one each."""

    class Part(nn.Module):
        def __init__(self, act: nn.Module) -> None:
            super().__init__()
            self.up, self.act = nn.Linear(SIZE, SIZE), act

        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = self.act(self.up(x))
            return made

    one = nn.SiLU()
    return trace(nn.Sequential(*(Part(one if shared else nn.SiLU()) for _ in range(2))), X)


def laid_out(*, batch_first: bool) -> Graph:
    """Activations with the batch or the length in front."""

    def run(_: Any, x: Tensor) -> Tensor:
        y = functional.gelu((x if batch_first else x.transpose(0, 1)) + 1).exp()
        return y if batch_first else y.transpose(0, 1)

    return trace(Calls(run), X)


def normed_around(*, after: bool) -> Graph:
    """A block that is normed after its work or before it."""

    def run(block: Any, x: Tensor) -> Tensor:
        return block.norm(x + block.work(x)) if after else x + block.work(block.norm(x))

    return trace(Calls(run, norm=nn.LayerNorm(SIZE), work=nn.Linear(SIZE, SIZE)), X)


def normed(make: Callable[[], nn.Module]) -> Graph:
    """A layer and its norm."""
    return trace(nn.Sequential(nn.Linear(SIZE, SIZE), make()), X)


class Rms(nn.Module):
    """A root mean square norm with the parameters of a ``LayerNorm``."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(SIZE)), nn.Parameter(torch.zeros(SIZE))

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, (SIZE,), self.weight, 1e-5)


def routed(*, grouped: bool) -> Graph:
    """Two experts, run one after the other or in one grouped product."""

    class Experts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2, 16, 16, dtype=torch.bfloat16))

        def forward(self, x: Tensor) -> Tensor:
            if grouped:
                ends = torch.tensor([16, 32], dtype=torch.int32)
                return torch.nn.functional.grouped_mm(x, self.weight, offs=ends)
            return torch.cat([part @ self.weight[at] for at, part in enumerate(x.chunk(2))])

    return trace(nn.Sequential(Experts()), torch.ones(32, 16, dtype=torch.bfloat16))


def capped(cap: float) -> Graph:
    """Logits that are bounded softly."""
    return trace(Calls(lambda _, x: torch.tanh(x / cap) * cap), X)
