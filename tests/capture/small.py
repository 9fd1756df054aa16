"""Small models for tests that watch a run from outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

BOOKKEEPING = ("prim.", "profiler.")


class Calls(nn.Module):
    """A module whose forward is *function*, called with the module and what it was given."""

    def __init__(self, function: Callable[..., Any], **children: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, child in children.items():
            self.add_module(name, child)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self, *args, **kwargs)


class Bare(TorchDispatchMode):
    """Writes down the name of every operation that makes more than ``meta`` tensors, and does nothing else."""

    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(func) if isinstance(func, torch._ops.OpOverload) else f"higher_order.{func}"
        out = func(*args, **(kwargs or {}))
        made = [one for one in tree_leaves(out) if isinstance(one, Tensor)]
        if not name.startswith(BOOKKEEPING) and not (made and all(one.is_meta for one in made)):
            self.names.append(name)
        return out


def stream_of(run: Callable[[], Any]) -> list[str]:
    """The operations that *run* dispatches, as a bare mode sees them."""
    with Bare() as bare:
        run()
    return bare.names


def example(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """A tensor of *shape*, always the same."""
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(0))
