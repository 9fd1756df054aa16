"""FLOPs of recorded operations, computed after the run from shapes alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry

from pytest_torchgraph.analysis.algebra import COMPLEX, REAL, Formula
from pytest_torchgraph.analysis.formulas import FORMULAS, applied
from pytest_torchgraph.capture.light import is_light
from pytest_torchgraph.capture.tensor import Raw
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.tensor import RAGGED


@dataclass(frozen=True, slots=True)
class Cost:
    """How the FLOPs of one overload are counted: by a ``formula``, or ``constant`` where there is none.

    ``is_real`` says that the formula counts real products even of complex tensors.
    """

    formula: Formula | None
    constant: int | None
    is_real: bool

    def of(self, arguments: Sequence[Any], keywords: dict[str, Any], results: Any) -> int | None:
        """FLOPs of one operation on the recorded shapes, ``None`` where unknown."""
        if self.formula is None:
            return self.constant
        given = (*arguments, *keywords.values())
        if any(map(hides_sizes, given)):
            return None
        shapes = tuple(shapes_of(argument) for argument in arguments)
        named = {key: shapes_of(value) for key, value in keywords.items()}
        out = shapes_of(results)
        flops = applied(self.formula, shapes, named, out[0] if isinstance(out, tuple) and len(out) == 1 else out)
        return flops if flops is None or self.is_real or not any(map(is_complex, given)) else COMPLEX * flops


def cost_of(name: str, target: Any) -> Cost:
    """How the FLOPs of an overload are counted: 0 for work that is not matmul-like, ``None`` where unknown.

    Known is what has a formula, and what is proved to hold no products. Unknown is all else: a product without a
    formula, products of sparse or ragged tensors, and what a library registered without telling
    ``torch.utils.flop_counter`` how to count it.
    """
    packet = packet_of(name)
    formula = FORMULAS.get(packet) or registered_formula(target)
    return Cost(formula, 0 if formula is None and is_light(target) else None, packet in REAL)


def flops_of(name: str, target: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], results: Any) -> int | None:
    """FLOPs of one operation on the recorded shapes; see :func:`cost_of`."""
    return cost_of(name, target).of(arguments, keywords, results)


def is_complex(value: Any) -> bool:
    """Whether *value* is or holds a complex tensor."""
    if isinstance(value, Raw):
        return bool(value.dtype.is_complex)
    return isinstance(value, (list, tuple)) and any(map(is_complex, value))


def hides_sizes(value: Any) -> bool:
    """Whether the shape of a tensor does not tell how much of it there is."""
    if isinstance(value, Raw):
        return RAGGED in value.shape or str(value.layout).startswith("torch.sparse")
    return isinstance(value, (list, tuple)) and any(map(hides_sizes, value))


def registered_formula(target: Any) -> Formula | None:
    """PyTorch's own formula on shapes, without the wrapper that walks tensors (43 to 158 microseconds a call)."""
    packet = target.overloadpacket if isinstance(target, torch._ops.OpOverload) else target
    registered = flop_registry.get(packet)
    return getattr(registered, "__wrapped__", None)


def shapes_of(value: Any) -> Any:
    """Readings replaced by shapes; everything else as it is."""
    if isinstance(value, Raw):
        return value.shape
    if isinstance(value, (list, tuple)):
        return tuple(shapes_of(part) for part in value)
    return value
