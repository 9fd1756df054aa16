"""The sizes of the scores that attention computes: a tensor of these sizes grows with query times key length."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.canonical.operands import operands_given, operands_of
from pytest_torchgraph.canonical.program import AnyBlock, Block, Item, Result, Semantic, Work
from pytest_torchgraph.diff.showing import value_of
from pytest_torchgraph.diff.tree import Body, Tree
from pytest_torchgraph.recorded.kinds import ATTENTION_CALLS
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.tensor import TensorSpec

SOFTMAX = frozenset({"aten._softmax", "aten._safe_softmax"})
PRODUCTS = frozenset({"aten.bmm", "aten.baddbmm", "aten.mm"})
MATRICES = 3
"""Dimensions of scores at least: a batch of matrices."""


def scores_of(tree: Tree) -> frozenset[tuple[int, int]]:
    """Query and key length of every attention call, and of every softmax over products of matrices beside it."""
    return frozenset(sizes for body in tree.bodies for sizes in _in_body(tree, body))


def _in_body(tree: Tree, body: Body) -> Iterator[tuple[int, int]]:
    for item in body.record.items:
        if isinstance(item, Semantic) and packet_of(item.name) in ATTENTION_CALLS:
            specs = [value_of(tree, body, operand).spec for operand in operands_given(item)[:2]]
            if len(specs) > 1 and specs[0] and specs[1] and min(len(spec.shape) for spec in specs if spec) > 1:
                yield specs[0].shape[-2], specs[1].shape[-2]
        elif isinstance(item, Work) and packet_of(item.name) in SOFTMAX and _is_beside_product(body):
            made = next((each for each in item.outcomes if isinstance(each, TensorSpec)), None)
            if made is not None and len(made.shape) >= MATRICES:
                yield made.shape[-2], made.shape[-1]


def _is_beside_product(body: Body) -> bool:
    """Whether matrices are multiplied in the body, or, where it does one thing only, in the body around it."""
    is_alone = len(body.record.items) == 1
    return _has_product(body) or (is_alone and body.outer is not None and _has_product_within(body.outer))


def _has_product_within(body: Body) -> bool:
    """Whether there is a product of matrices among the items, or alone in a module that is called there."""
    inner = (each for each in body.inner.values() if len(each.record.items) == 1)
    return _has_product(body) or any(map(_multiplies, inner))


def _multiplies(body: Body) -> bool:
    """Whether two matrices are multiplied that are both given, as no linear layer does."""
    return _has_product(body) and not getattr(body.record, "leaves", ())


def _has_product(body: Body) -> bool:
    return any(isinstance(item, Work) and packet_of(item.name) in PRODUCTS for item in body.record.items)


def may_reach_attention(body: AnyBlock | Semantic, item: Item) -> bool:
    """Whether a value made of what *item* makes is given to attention in *body*, or handed out of that as a matrix.

    Also where *item* is none of the body's own. What a body hands out that multiplies matrices itself is no mask: a
    loss has scores of its own. Wrong where a module that attends to something else is given it.
    """
    at = next((at for at, other in enumerate(body.items) if other is item), None)
    if at is None:
        return True
    made = {at}
    for position, other in enumerate(body.items[at + 1 :], at + 1):
        read = [operand.reference for operand in operands_of(other) if isinstance(operand.reference, Result)]
        if not any(result.item in made for result in read):
            continue
        if _attends(other):
            return True
        made.add(position)
        made.update(result.item for result in read[:1] if _writes(other))
    if any(isinstance(other, Work) and packet_of(other.name) in PRODUCTS for other in body.items):
        return False
    return any(result.item in made and _is_matrix(body, result) for result in body.exports)


def _attends(item: Item) -> bool:
    """Whether *item* is an attention call or a softmax, or has one inside."""
    match item:
        case Work(name=name):
            return packet_of(name) in SOFTMAX
        case Semantic(name=name) if packet_of(name) in ATTENTION_CALLS:
            return True
        case Block(items=items) | Semantic(items=items):
            return any(map(_attends, items))
        case _:
            return False


def _writes(item: Item) -> bool:
    return isinstance(item, Work) and packet_of(item.name).endswith("_")


def _is_matrix(body: AnyBlock | Semantic, result: Result) -> bool:
    """Whether the result may have two dimensions; not known of what no operation made."""
    item = body.items[result.item]
    while isinstance(item, (Block, Semantic)) and result.position < len(item.exports):
        body, result = item, item.exports[result.position]
        item = body.items[result.item]
    made = item.outcomes[result.position] if isinstance(item, Work) and result.position < len(item.outcomes) else None
    return not isinstance(made, TensorSpec) or len(made.shape) > 1
