"""Redistributions of ``DTensor``: from which placements to which, and whether the code or a sharding rule asked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.recorded.collective import RULE, USER, Asked

if TYPE_CHECKING:
    from pytest_torchgraph.capture.operation import Where

ASKING: dict[str, Asked] = {
    "torch.distributed.tensor._dispatch": RULE,
    "torch.distributed.tensor._redistribute": USER,
    "torch.distributed.tensor._api": USER,
}
"""Who asks where PyTorch's function is called from: operations whose rule needs other placements, or the API."""
FUNCTION = "redistribute_local_tensor"


@contextmanager
def following_redistributions(where: Where) -> Iterator[None]:
    """Let *where* know, while the context is open, of what redistribution a collective is a part."""
    with ExitStack() as stack:
        for name, asked in ASKING.items():
            module = sys.modules.get(name)
            plain = getattr(module, FUNCTION, None)
            if plain is not None:
                setattr(module, FUNCTION, noting(plain, where, asked))
                stack.callback(setattr, module, FUNCTION, plain)
        yield


def noting(plain: Callable[..., Any], where: Where, asked: Asked) -> Callable[..., Any]:
    """*plain*, told of to *where* while it runs."""

    def redistribute(local: Any, current: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        around = where.redistribution
        where.redistribution = {
            "asked": asked,
            "from": tuple(map(spelled, current.placements)),
            "to": tuple(map(spelled, target.placements)),
        }
        try:
            return plain(local, current, target, *args, **kwargs)
        finally:
            where.redistribution = around

    return redistribute


def spelled(placement: Any) -> str:
    """``S(0)``, ``R`` or ``P(sum)``; a PyTorch before 2.10 leaves the reduction out."""
    text = str(placement)
    return f"P({placement.reduce_op})" if text == "P" else text
