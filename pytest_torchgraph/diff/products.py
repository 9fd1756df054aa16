"""FLOPs of what stands at one place of a canonical graph, from the shapes that it tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_torchgraph.analysis.algebra import COMPLEX, REAL
from pytest_torchgraph.analysis.formulas import FORMULAS, applied
from pytest_torchgraph.canonical.operands import operands_given
from pytest_torchgraph.canonical.program import Argument, Block, Given, Operand, Outcome, Semantic, Work
from pytest_torchgraph.diff.tree import Body, Tree, read_spec
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.words.closed import assert_never


def flops_at(tree: Tree, body: Body, at: int) -> int:
    """FLOPs of the matmul-like operations at position *at* of *body* and inside it, as far as they are known."""
    item = body.record.items[at]
    match item:
        case Given():
            return 0
        case Work():
            return _flops_of(tree, body, item)
        case Block() | Semantic():
            inner = body.inner[at]
            return sum(flops_at(tree, inner, each) for each in range(len(item.items)))
        case _:
            assert_never(item)


def _flops_of(tree: Tree, body: Body, work: Work) -> int:
    packet = packet_of(work.name)
    formula = FORMULAS.get(packet)
    if formula is None:
        return 0
    specs = {operand: read_spec(tree, body.read(operand)) for operand in operands_given(work)}
    known = [spec for spec in specs.values() if spec and tells_sizes(spec)]
    if len(known) < len(specs):
        return 0
    arguments = [_shapes(specs, argument) for argument in work.arguments]
    named = {name: _shapes(specs, argument) for name, argument in work.keywords}
    out = tuple(_made(outcome) for outcome in work.outcomes)
    flops = applied(formula, arguments, named, out[0] if len(out) == 1 else out) or 0
    is_complex = any(spec.dtype.startswith("complex") for spec in known)
    return COMPLEX * flops if is_complex and packet not in REAL else flops


def tells_sizes(spec: TensorSpec) -> bool:
    """Whether the shape tells how much of the tensor there is."""
    return not spec.layout.startswith("sparse") and min(spec.shape, default=0) >= 0


def _shapes(specs: Mapping[Operand, TensorSpec | None], argument: Argument) -> Any:
    """*argument* with shapes in the place of tensors, of which *specs* are known."""
    if isinstance(argument, Operand):
        spec = specs[argument]
        return spec and spec.shape
    return tuple(_shapes(specs, part) for part in argument) if isinstance(argument, tuple) else argument


def _made(outcome: Outcome) -> Any:
    """The shape of what was made."""
    return outcome.shape if isinstance(outcome, TensorSpec) else None
