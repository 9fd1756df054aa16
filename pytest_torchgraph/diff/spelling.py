"""Arguments that are given otherwise and mean the same: a default written out, a dimension counted from the other end.

The canonical graph keeps them as they were given; only the comparison knows that nothing else is done.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from pytest_torchgraph.canonical.program import Argument, Operand, Semantic, Work
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.tensor import TensorSpec

SpecOf = Callable[[Operand], "TensorSpec | None"]
ATTENTION = "scaled_dot_product"
COMMUTE = frozenset({"aten.add.Tensor", "aten.mul.Tensor", "aten.maximum.default", "aten.minimum.default"})
"""Operations whose two operands may change places: the same bits come out."""
BROADCASTING = COMMUTE | {f"aten.{name}.Tensor" for name in ("sub", "div", "eq", "ne", "lt", "le", "gt", "ge")}
"""Operations of two operands, to the shorter of which broadcasting adds dimensions in front."""
CLOSE = 1e-6
"""Relative: how far two decimals may lie apart that are the same number worked out in another order."""
DIMENSIONS = frozenset({"dim", "dims", "dim0", "dim1", "start_dim", "end_dim"})
GROWS = frozenset({"aten.stack"})
"""Operations whose dimension is one of the result."""
HEADS = -3
MADE = frozenset({"dtype", "device", "layout"})
"""Arguments that say what is made, which is known however it was asked for."""
UNGIVEN: Mapping[str, Argument] = {"pin_memory": False, "correction": 1}
"""What ``None`` comes to, whichever operation is given it."""
RANGE = "aten.arange"
REDUCTIONS = frozenset(f"aten.{name}" for name in ("sum", "mean", "amax", "amin", "var", "std", "var_mean", "std_mean"))
"""Operations that go over the dimensions they are given in any order, and over all where they are given none."""
WHOLE = frozenset({"aten.sum.default", "aten.mean.default"})
"""Those that take no dimensions."""
PADDING = "aten.constant_pad_nd"
POOLING = re.compile(r"aten\.(max|avg)_pool\dd(_with_indices)?", re.ASCII)
WINDOW = frozenset({"stride", "padding", "dilation", "output_padding", "kernel_size"})
"""Arguments with a number for each dimension, or one number for all."""


def means_the_same(before: Argument, after: Argument) -> bool:
    """Whether two meanings are equal, decimals as far as their last digits."""
    if isinstance(before, float) and isinstance(after, float):
        return math.isclose(before, after, rel_tol=CLOSE)
    return type(before) is type(after) and before == after


def meaning(
    item: Work | Semantic, name: str, given: Mapping[str, Argument], value: Argument, spec_of: SpecOf
) -> Argument:
    """What argument *name* of *item* comes to, *value* being what was given or the default of the signature."""
    if ATTENTION in item.name:
        return _of_attention(name, given, value, spec_of)
    made = _made(item)
    if made is not None and name in MADE:
        return {"dtype": made.dtype, "device": made.device, "layout": made.layout}[name]
    if name == "pad" and isinstance(value, tuple) and packet_of(item.name) == PADDING:
        return _without_zeros(value)
    if name in WINDOW and isinstance(value, tuple):
        is_usual = name == "stride" and not value and POOLING.fullmatch(packet_of(item.name))
        return _once(given.get("kernel_size") if is_usual else value)
    if name in DIMENSIONS and packet_of(item.name) not in GROWS:
        return _reduced(item, _from_the_front(value, _rank(given, spec_of)), _rank(given, spec_of))
    return UNGIVEN.get(name, value) if value is None else value


def _reduced(item: Work | Semantic, dims: Argument, rank: int) -> Argument:
    """The dimensions that a reduction goes over, in order; as they are given where *item* is none."""
    if packet_of(item.name) not in REDUCTIONS or not rank:
        return dims
    if dims is None or dims == ():
        return tuple(range(rank))
    return tuple(sorted(dim for dim in dims if isinstance(dim, int))) if isinstance(dims, tuple) else dims


def _once(numbers: Argument) -> Argument:
    """*numbers* as one where all are the same."""
    return numbers[:1] if isinstance(numbers, tuple) and len(set(numbers)) == 1 else numbers


def _without_zeros(pad: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """*pad* without the dimensions at its end that are not padded."""
    while pad[-2:] == (0, 0):
        pad = pad[:-2]
    return pad


def _made(item: Work | Semantic) -> TensorSpec | None:
    outcomes = item.outcomes if isinstance(item, Work) else ()
    return next((outcome for outcome in outcomes if isinstance(outcome, TensorSpec)), None)


def is_same_range(before: Work | Semantic, after: Work | Semantic) -> bool:
    """Whether two calls of ``arange`` that give other arguments make the same: it starts at 0 and steps by 1."""
    pair = (before, after)
    if any(packet_of(item.name) != RANGE for item in pair) or before.name == after.name:
        return False
    left, right = ((_range_of(item.arguments), _made(item)) for item in pair)
    return left == right


def is_same_overload(before: Work | Semantic, after: Work | Semantic) -> bool:
    """Whether one number is given to two overloads of an operation, as it is and as it were a tensor: ``mul``, ``add``.

    What they make is compared, too: a number of another type may make another.
    """
    names = {before.name, after.name}
    packets = {packet_of(name) for name in names}
    if len(packets) != 1 or names != {f"{next(iter(packets))}.{overload}" for overload in ("Scalar", "Tensor")}:
        return False
    numbers = [item.arguments[1] if len(item.arguments) > 1 else None for item in (before, after)]
    same = type(numbers[0]) in (int, float) and means_the_same(*numbers)
    return same and before.keywords == after.keywords and _made(before) == _made(after)


def is_same_reduction(before: Work | Semantic, after: Work | Semantic, spec_of: tuple[SpecOf, SpecOf]) -> bool:
    """Whether one goes over all dimensions because it takes none, and the other because it is given all."""
    pair = (before, after)
    if before.name == after.name or packet_of(before.name) != packet_of(after.name):
        return False
    whole = [_goes_over_all(item, specs) for item, specs in zip(pair, spec_of, strict=True)]
    made = [_made(item) for item in pair]
    return not WHOLE.isdisjoint({before.name, after.name}) and all(whole) and made[0] == made[1]


def broadcasts_alike(before: Work | Semantic, after: Work | Semantic) -> bool:
    """Whether both are one operation that broadcasts its operands, and make the same."""
    made = _made(before)
    return before.name == after.name and before.name in BROADCASTING and made is not None and made == _made(after)


def differ_in_front(one: TensorSpec, other: TensorSpec) -> bool:
    """Whether two tensors are alike but for how many dimensions of size 1 they have in front."""
    rest = [replace(spec, shape=(), geometry=None) for spec in (one, other)]
    parts = [_behind_ones(spec) for spec in (one, other)]
    return rest[0] == rest[1] and parts[0] is not None and parts[0] == parts[1]


def _behind_ones(spec: TensorSpec) -> tuple[object, ...] | None:
    """Sizes and strides of *spec* from the first size that is not 1 on, and its offset; ``None`` where not known."""
    if spec.geometry is None:
        return None
    at = next((at for at, size in enumerate(spec.shape) if size != 1), len(spec.shape))
    return spec.shape[at:], spec.geometry.stride[at:], spec.geometry.offset


def _goes_over_all(item: Work | Semantic, spec_of: SpecOf) -> bool:
    spec = _spec(item.arguments[0], spec_of) if item.arguments else None
    if spec is None or item.name in WHOLE:
        return spec is not None
    dims = item.arguments[1] if len(item.arguments) > 1 else None
    rank = len(spec.shape)
    return _reduced(item, _from_the_front(dims, rank), rank) == tuple(range(rank))


def _range_of(given: tuple[Argument, ...]) -> tuple[Argument, ...]:
    """Start, end and step of what ``arange`` is given."""
    return (0, *given, 1) if len(given) == 1 else (*given, 1)[:3]


def _of_attention(name: str, given: Mapping[str, Argument], value: Argument, spec_of: SpecOf) -> Argument:
    """PyTorch's ``scaled_dot_product_attention``: the scale is ``1 / sqrt(E)``, equal heads need no grouping."""
    query, key = (_spec(given.get(side), spec_of) for side in ("query", "key"))
    if name == "scale" and value is None and query is not None and query.shape[-1] > 0:
        return 1 / math.sqrt(query.shape[-1])
    if name == "enable_gqa" and query is not None and key is not None:
        has_heads = len(query.shape) >= -HEADS <= len(key.shape)
        return False if has_heads and query.shape[HEADS] == key.shape[HEADS] else value
    return value


def _from_the_front(value: Argument, rank: int) -> Argument:
    if type(value) is int:
        return value + rank if value < 0 < rank else value
    return tuple(_from_the_front(each, rank) for each in value) if type(value) is tuple else value


def _rank(given: Mapping[str, Argument], spec_of: SpecOf) -> int:
    """Dimensions of the first tensor that is given; 0 where that is not known."""
    first = next(iter(given.values()), None)
    if isinstance(first, tuple) and first:
        first = first[0]
    spec = _spec(first, spec_of)
    return len(spec.shape) if spec else 0


def _spec(argument: Argument, spec_of: SpecOf) -> TensorSpec | None:
    return spec_of(argument) if isinstance(argument, Operand) else None
