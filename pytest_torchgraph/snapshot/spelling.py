"""Items as lines: the full text of a body, before anything is folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from pytest_torchgraph.canonical.naming import block_text, value_names, wish
from pytest_torchgraph.canonical.operands import operands_given, operands_in
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Argument,
    Block,
    Every,
    Given,
    Inner,
    Input,
    Item,
    Leaf,
    ModuleCall,
    Operand,
    Outcome,
    ParameterLoop,
    PhaseBlock,
    RecomputedCall,
    Reference,
    Result,
    Saved,
    Semantic,
    Work,
)
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.snapshot.inner import inner_text, saved_text
from pytest_torchgraph.snapshot.literal import RESERVED, literal_text
from pytest_torchgraph.snapshot.operations import operation_text, semantic_text
from pytest_torchgraph.snapshot.parameters import parameters_text
from pytest_torchgraph.snapshot.patterns import is_class, is_keyword, is_leaf
from pytest_torchgraph.snapshot.reading import Base, reading_text
from pytest_torchgraph.snapshot.tensor import spec_text
from pytest_torchgraph.snapshot.tree import Node
from pytest_torchgraph.snapshot.values import Values
from pytest_torchgraph.words.closed import assert_never
from pytest_torchgraph.words.quoting import name_text, quote


class Leaves:
    """The parameters of one scope: each is written with its spec where it is first read."""

    def __init__(self, specs: dict[str, TensorSpec], *, declared: bool) -> None:
        self.specs = specs
        self._known = set(specs) if declared else set()

    def spec_at_first(self, path: str) -> str:
        """``:f32[64]`` where *path* is read for the first time."""
        if path in self._known or path not in self.specs:
            return ""
        self._known.add(path)
        return ":" + spec_text(self.specs[path])


class Body:
    """The text of one body's items; ``inputs`` is how the body calls what it takes from outside."""

    def __init__(self, items: tuple[Item, ...], values: Values, leaves: Leaves, inputs: list[str] | None) -> None:
        self.items = items
        self.values = values
        self.leaves = leaves
        self.inputs = inputs
        self.names = values.given_names = value_names(map(wish, items))

    def nodes(self) -> tuple[Node, ...]:
        """One node for each item."""
        return tuple([self._node(item) for item in self.items])

    def _node(self, item: Item) -> Node:
        if isinstance(item, Work):
            node = Node(self.work_text(item), source=item.source)
            self.values.add(item)
        elif isinstance(item, Block):
            node, inner = block_node(item, self)
            self.values.add(item, inner)
        elif isinstance(item, Semantic):
            node, inner = self._semantic(item)
            self.values.add(item, inner)
        else:
            node = Node(_given_text(item))
            self.values.add(item)
        return node

    def work_text(self, work: Work) -> str:
        """``addmm(bias, %in0, weight.T) f32[32,64]``, and at the end ``sync`` where the name does not tell it."""
        wait = f" {work.wait}" if work.wait else ""
        call = f"{operation_text(work.name)}({self.arguments(work.arguments, work.keywords)})"
        outcomes = ", ".join([self._outcome(one) for one in work.outcomes])
        return f"{call} {outcomes}{becomes_text(work.becomes)}{wait}" if outcomes else call + wait

    def arguments(self, arguments: tuple[Argument, ...], keywords: tuple[tuple[str, Argument], ...]) -> str:
        """What stands between the parentheses of a call."""
        parts = [self._argument(one) for one in arguments]
        for name, value in keywords:
            parts.append(f"{_keyword_text(name)}={self._argument(value)}")
        return ", ".join(parts)

    def _argument(self, argument: Argument) -> str:
        if isinstance(argument, Operand):
            return self.operand(argument)
        if isinstance(argument, tuple):
            every = "*" if isinstance(argument, Every) else ""
            return f"[{every}{', '.join([self._argument(one) for one in argument])}]"
        return literal_text(argument)

    def _outcome(self, outcome: Outcome) -> str:
        if isinstance(outcome, TensorSpec):
            return spec_text(outcome)
        if isinstance(outcome, Operand):
            text = self.operand(outcome)
            return f"${text}" if isinstance(outcome.reference, Leaf) and not text.startswith("$") else text
        if isinstance(outcome, tuple):
            every = "*" if isinstance(outcome, Every) else ""
            return f"[{every}{', '.join([self._outcome(one) for one in outcome])}]"
        return literal_text(outcome)

    def operand(self, operand: Operand) -> str:
        """``%norm1[32,64]``, ``weight:f32[192,64].T``."""
        name = self.reference(operand.reference)
        if operand.reading is None:
            return name
        return name + reading_text(operand.reading, self.values.resolve(operand.reference))

    def reference(self, reference: Reference) -> str:
        """The name of a value in this body."""
        if isinstance(reference, Result):
            name = f"%{self.names[reference.item]}"
            return f"{name}:{reference.position}" if reference.position else name
        if isinstance(reference, Inner):
            return inner_text(reference, self.values)
        if isinstance(reference, Saved):
            return saved_text(reference, self.values)
        if isinstance(reference, Input):
            return self.inputs[reference.index] if self.inputs is not None else f"%in{reference.index}"
        return leaf_text(reference.path) + self.leaves.spec_at_first(reference.path)

    def _semantic(self, semantic: Semantic) -> tuple[Node, Values]:
        call = f"{semantic_text(semantic.name)}({self.arguments(semantic.arguments, semantic.keywords)})"
        taken = operands_given(semantic)
        values = Values(tuple(map(self.values.through, taken)), self.values.leaves, self.values)
        body = Body(semantic.items, values, self.leaves, None)
        nodes = body.nodes()
        # An API call is told from an operation by what stands beneath it, or by its arrow.
        exports = body.exports(semantic.exports) if nodes else " -> none"
        return Node(call + exports, nodes, source=semantic.source), values

    def exports(self, exports: tuple[Result, ...]) -> str:
        """`` -> %cat_1, %cat``; nothing where it is just the first result of the last item."""
        if exports == (Result(len(self.items) - 1),):
            return ""
        return " -> " + (", ".join(map(self.reference, exports)) or "none")


def becomes_text(becomes: tuple[tuple[int, str], ...]) -> str:
    """`` to weight.grad``, or `` to :1 weight.grad, :2 bias.grad`` where other results become gradients."""
    parts = [f":{position} {leaf_text(path)}" if position else leaf_text(path) for position, path in becomes]
    return f" to {', '.join(parts)}" if parts else ""


@lru_cache(maxsize=4096)
def leaf_text(path: str) -> str:
    """The name of a parameter, with a sigil and quoted where it would be mistaken for something else."""
    plain = is_leaf(path) and path not in RESERVED and not path.startswith("torch.")
    return path if plain else "$" + quote(path)


@lru_cache(maxsize=4096)
def _keyword_text(name: str) -> str:
    return name if is_keyword(name) else quote(name)


def _given_text(given: Given) -> str:
    if given.kind not in ("input", "constant"):
        raise ValueError(f"a value is given as input or constant, not as {given.kind!r}")
    name = f" {name_text(given.name)}" if given.name else ""
    return f"{given.kind}{name} {spec_text(given.spec)}"


@lru_cache(maxsize=4096)
def class_text(class_name: str) -> str:
    """A class name, quoted where it is not written as one."""
    return class_name if is_class(class_name) else quote(class_name)


def block_node(block: AnyBlock, outer: Body) -> tuple[Node, Values]:
    """A module call: on one line when its body is a single operation."""
    head = head_text(block)
    bases = tuple(map(outer.values.through, block.inputs))
    is_single = len(block.items) == 1 and isinstance(block, (ModuleCall, RecomputedCall))
    single = block.items[0] if is_single and isinstance(block.items[0], Work) else None
    seen_through = single is not None and _reads_plainly(block, single)
    if not seen_through and block.inputs:
        head += f"({', '.join(map(outer.operand, block.inputs))})"
    inputs = [outer.operand(one) for one in block.inputs] if seen_through else None
    values = outer.values.beneath(type(block), block.name, block.call)
    body, nodes = scope_body(block, bases, inputs, values)
    exports = body.exports(block.exports)
    if isinstance(block, ParameterLoop):
        taken = f"({', '.join(map(outer.operand, block.inputs))})" if block.inputs else ""
        trained = outer.values.outer.trained() if outer.values.outer else set()
        of = parameters_text(block.parameters, trained)
        return Node(f"{head_text(block)}{taken}{of}{exports}", nodes), body.values
    if single is not None and len(nodes) == 1:
        return Node(f"{head} = {nodes[0].text}{exports}", source=nodes[0].source), body.values
    if seen_through:
        head += f"({', '.join(map(outer.operand, block.inputs))})" if block.inputs else ""
        body, nodes = scope_body(block, bases, None, values)
    return Node(head + exports, nodes), body.values


def head_text(block: AnyBlock) -> str:
    """How the line of a block begins: ``attn: Attention``, ``phase backward``, ``phase optimizer: AdamW``."""
    name = block_text(block)
    if block.call < 1:
        raise ValueError(f"calls are counted from 1: {name}")
    match block:
        case ParameterLoop():
            if block.name not in ("each", "all"):
                raise ValueError(f"a loop over parameters is 'each' or 'all', not {name}")
            return f"for {name}"
        case PhaseBlock():
            if not is_keyword(block.name):
                raise ValueError(f"{name!r} is no phase")
            return f"phase {name}: {class_text(block.class_name)}" if block.class_name else f"phase {name}"
        case ModuleCall() | RecomputedCall():
            return f"{name}: {class_text(block.class_name)}"
        case _:
            assert_never(block)


def scope_body(
    block: Block,
    bases: tuple[Base | None, ...],
    inputs: list[str] | None,
    values: Values,
    outputs: tuple[Operand, ...] = (),
) -> tuple[Body, tuple[Node, ...]]:
    """The body of a scope; its parameters stand on a line of their own where their first readings cannot say them."""
    specs = dict(block.leaves)
    declared = bool(specs) and tuple(_first_read(block, outputs, specs).items()) != block.leaves
    values.begin(bases, specs)
    body = Body(block.items, values, Leaves(specs, declared=declared), inputs)
    nodes = body.nodes()
    if declared:
        parts = [f"{leaf_text(path)}:{spec_text(spec)}" for path, spec in block.leaves]
        nodes = (Node(f"leaves {', '.join(parts)}"), *nodes)
    return body, nodes


def _first_read(block: Block, outputs: tuple[Operand, ...], specs: dict[str, TensorSpec]) -> dict[str, TensorSpec]:
    """Those of *specs* that the lines of a scope name, first use first."""
    paths = (*_leaves_read(block.items), *_leaf_paths(outputs))
    return {path: specs[path] for path in paths if path in specs}


def _leaves_read(items: Iterable[Item]) -> Iterator[str]:
    """The leaves that the lines of one scope name, in the order of the text."""
    for item in items:
        if isinstance(item, Block):
            yield from _leaf_paths(item.inputs)
        elif isinstance(item, (Work, Semantic)):
            yield from _leaf_paths(operands_given(item))
            if isinstance(item, Work):
                yield from _leaf_paths(operands_in(item.outcomes))
            else:
                yield from _leaves_read(item.items)


def _leaf_paths(operands: Iterable[Operand]) -> Iterator[str]:
    for operand in operands:
        if isinstance(operand.reference, Leaf):
            yield operand.reference.path


def _reads_plainly(block: Block, work: Work) -> bool:
    """Whether the operation reads the scope's inputs, in their order and as they are: then it can name them itself."""
    values = (*work.arguments, *(value for _, value in work.keywords), *work.outcomes)
    read = [one for one in operands_in(values) if isinstance(one.reference, Input)]
    plain = [Operand(Input(index)) for index in range(len(block.inputs))]
    is_leaf_taken = any(isinstance(one.reference, Leaf) for one in block.inputs)
    return list(dict.fromkeys(read)) == plain and len(set(block.inputs)) == len(plain) and not is_leaf_taken
