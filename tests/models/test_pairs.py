"""Pairs of models that must be told apart, and pairs that must not."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from pytest_torchgraph import trace
from tests.models.example import Example

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_torchgraph.graph import Graph


def graph(example: Example) -> Graph:
    """What the example does, weights and inputs always new."""
    return trace(example.model, example.args, example.kwargs)


def layers(width: int = 16, *, bias: bool = True, activation: nn.Module | None = None, **names: str) -> nn.Sequential:
    """A small network; *names* renames ``up`` and ``down``."""
    parts = [
        (names.get("up", "up"), nn.Linear(8, width, bias=bias)),
        ("activation", nn.ReLU() if activation is None else activation),
        (names.get("down", "down"), nn.Linear(width, 4)),
    ]
    return nn.Sequential(OrderedDict(parts))


def mlp(batch: int = 2, *, dtype: torch.dtype = torch.float32, training: bool = False) -> Example:
    """The network and its input."""
    model = nn.Sequential(layers(), nn.Dropout(0.5)).to(dtype).train(training)
    return Example(model, torch.randn(batch, 8, dtype=dtype))


class Calls(nn.Module):
    """A linear layer and a function of its result."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.mix(x))


def calls(function: Callable[[Tensor], Tensor], x: Tensor | None = None) -> Example:
    """A model that computes *function*."""
    return Example(Calls(function).eval(), torch.randn(2, 6, 8) if x is None else x)


def plain(x: Tensor) -> Tensor:
    """The function that others vary."""
    return torch.relu(x) + 1


def attention(*, mask: bool = False, causal: bool = False, scale: float | None = None) -> Example:
    """One attention call."""
    given = torch.zeros(6, 6) if mask else None
    return calls(lambda x: scaled_dot_product_attention(x, x, x, attn_mask=given, is_causal=causal, scale=scale))


APART = {
    "width": (Example(layers(16), torch.randn(2, 8)), Example(layers(32), torch.randn(2, 8))),
    "batch": (mlp(2), mlp(3)),
    "dtype": (mlp(), mlp(dtype=torch.bfloat16)),
    "training": (mlp(), mlp(training=True)),
    "bias": (Example(layers(), torch.randn(2, 8)), Example(layers(bias=False), torch.randn(2, 8))),
    "activation": (
        Example(layers(), torch.randn(2, 8)),
        Example(layers(activation=nn.GELU()), torch.randn(2, 8)),
    ),
    "approximation": (
        Example(layers(activation=nn.GELU()), torch.randn(2, 8)),
        Example(layers(activation=nn.GELU("tanh")), torch.randn(2, 8)),
    ),
    "stride of an input": (calls(plain), calls(plain, torch.randn(2, 8, 6).mT)),
    "stride of an operand": (calls(lambda x: x.mT @ x), calls(lambda x: x.mT.contiguous() @ x)),
    "order of operands": (calls(lambda x: x.exp() - x), calls(lambda x: x - x.exp())),
    "part of an operand": (calls(lambda x: x[:, :3] + 1), calls(lambda x: x[:, 3:] + 1)),
    "hidden copy": (calls(plain), calls(lambda x: plain(x.clone()))),
    "copy at the end": (calls(plain), calls(lambda x: plain(x).clone())),
    "sync": (calls(plain), calls(lambda x: plain(x) if x.sum() < 1e9 else x)),
    "cast and back": (calls(plain), calls(lambda x: plain(x.double().float()))),
    "in place": (calls(torch.relu), calls(torch.relu_)),
    "scalar": (calls(lambda x: x + 1), calls(lambda x: x + 2)),
    "kind of scalar": (calls(lambda x: x + 1), calls(lambda x: x + 1.0)),
    "order of operations": (calls(lambda x: x.sin().cos()), calls(lambda x: x.cos().sin())),
    "one more mask": (attention(), attention(mask=True)),
    "causal": (attention(), attention(causal=True)),
    "scale": (attention(), attention(scale=0.5)),
    "computed twice": (calls(lambda x: x.sin() + x.sin()), calls(lambda x: 2 * x.sin())),
    "reused or not": (
        calls(lambda x: (y := x.sin()).cos() + y),
        calls(lambda x: x.sin().cos() + x.sin()),
    ),
    "a result that nothing can go backward through": (calls(plain), calls(lambda x: plain(x).detach())),
}

ALIKE = {
    "other weights and values": (mlp(), mlp()),
    "view and reshape": (calls(lambda x: x.view(12, 8) + 1), calls(lambda x: x.reshape(12, 8) + 1)),
    "view and flatten": (calls(lambda x: x.view(12, 8) + 1), calls(lambda x: x.flatten(0, 1) + 1)),
    "view and unflatten": (calls(lambda x: x.view(2, 6, 2, 4) + 1), calls(lambda x: x.unflatten(-1, (2, 4)) + 1)),
    "two views and one": (calls(lambda x: x.view(96).view(12, 8) + 1), calls(lambda x: x.view(12, 8) + 1)),
    "transpose and permute": (calls(lambda x: x.transpose(1, 2) + 1), calls(lambda x: x.permute(0, 2, 1) + 1)),
    "index and select": (calls(lambda x: x[:, 1] + 1), calls(lambda x: x.select(1, 1) + 1)),
    "chunk and slices": (
        calls(lambda x: torch.mul(*x.chunk(2, -1))),
        calls(lambda x: x[..., :4] * x[..., 4:]),
    ),
    "contiguous where it is": (calls(plain), calls(lambda x: plain(x.contiguous()))),
    "a cast to the same type": (calls(plain), calls(lambda x: plain(x.float()))),
    "positional and keyword": (
        Example(nn.Linear(8, 8), torch.randn(2, 8)),
        Example(nn.Linear(8, 8), {"input": torch.randn(2, 8)}),
    ),
}


@pytest.mark.parametrize("pair", APART)
def test_models_that_work_differently_are_told_apart(pair: str) -> None:
    before, after = APART[pair]
    assert graph(before) != graph(after)


@pytest.mark.parametrize("pair", ALIKE)
def test_models_that_do_the_same_work_are_equal(pair: str) -> None:
    before, after = ALIKE[pair]
    assert graph(before) == graph(after)
