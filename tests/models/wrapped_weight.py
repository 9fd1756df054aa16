"""A parameter of a class that wraps two tensors, as quantized weights do, one of which the first call replaces."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from tests.models.example import Example


class Scaled(Tensor):
    """Whole numbers and their scale; every operation sees the product."""

    codes: Tensor
    scale: Tensor

    @staticmethod
    def __new__(cls, codes: Tensor, scale: Tensor) -> Any:
        made = Tensor._make_wrapper_subclass(cls, codes.shape, dtype=scale.dtype, device=codes.device)
        made.codes, made.scale = codes, scale
        return made

    def __repr__(self, *, tensor_contents: Any = None) -> str:  # type: ignore[override]
        return f"Scaled({tuple(self.shape)})"

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["codes", "scale"], None

    @classmethod
    def __tensor_unflatten__(cls, inner: dict[str, Tensor], *_: Any) -> Scaled:
        return cls(inner["codes"], inner["scale"])

    def plain(self) -> Tensor:
        """The product."""
        return self.codes.to(self.scale.dtype) * self.scale

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        if func is torch.ops.aten.detach.default:
            return cls(args[0].codes, args[0].scale)
        plain = tree_map(lambda value: value.plain() if isinstance(value, Scaled) else value, (args, kwargs or {}))
        return func(*plain[0], **plain[1])


class Mixed(nn.Module):
    """A linear layer with such a weight, which it rescales in its first call."""

    def __init__(self) -> None:
        super().__init__()
        self.weight: Any = nn.Parameter(Scaled(torch.randint(-7, 8, (4, 8), dtype=torch.int8), torch.full((4, 1), 0.1)))
        self.rescaled = False

    def forward(self, x: Tensor) -> Tensor:
        if not self.rescaled:
            self.weight.scale = self.weight.scale / 2
            self.weight.codes.mul_(2)
            self.rescaled = True
        return nn.functional.linear(x, self.weight)


def example() -> Example:
    return Example(Mixed().train(), torch.randn(2, 8))
