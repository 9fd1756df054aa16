"""What makes two items alike, from the strictest likeness to the loosest, as small integers.

References between items are left out of a key, so an insertion elsewhere changes no key; who reads whom is told by
the keys of the operands' makers, and checked exactly once items are matched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, TypeAlias, cast

from pytest_torchgraph.canonical.operands import operands_given
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Block,
    Every,
    Given,
    Input,
    Item,
    Leaf,
    ModuleCall,
    Operand,
    Reading,
    RecomputedCall,
    Result,
    Semantic,
    Work,
    parameters_of,
)
from pytest_torchgraph.diff.tree import Body, Definition, Made, Place, Read, Tree
from pytest_torchgraph.recorded.kinds import MOVES
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.tensor import TensorSpec

JOINING = frozenset({"aten.bmm", "aten.baddbmm", "aten.mm", "aten.matmul", "aten.cat"})
GATING = "aten.mul"
COPY = "aten.clone"
OPERATIONS = (Work, Semantic)
Level: TypeAlias = "Callable[[Keys, Body, int], Hashable]"


class Interner:
    """Gives equal keys equal small integers; shared by the two graphs of a comparison."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def number(self, key: Hashable) -> int:
        """The integer of *key*."""
        return self._numbers.setdefault(key, len(self._numbers))


class Keys:
    """Keys of the items of one graph."""

    def __init__(self, tree: Tree, interner: Interner) -> None:
        self.tree = tree
        self.interner = interner
        self.digests: dict[int, int] = {}
        self.told: dict[int, object] = {}
        """What module calls are told by that a person says are the same, by number of their body."""
        self.calls: dict[Place, int] = {}
        """Forward calls that have a counterpart in the other graph: where they stand, and the number of the pair."""
        self._reads: list[list[tuple[Read, ...] | None]] = [[] for _ in tree.bodies]
        self._readers: dict[int, dict[Definition, int]] = {}
        self._held: dict[int, tuple[tuple[str, tuple[int, ...]], ...]] = {}
        self._ends: dict[int, dict[int, Hashable]] = {}
        self.plain: list[list[int]] = [[] for _ in tree.bodies]
        self.wiring: list[tuple[tuple[Hashable, ...], ...]] = [() for _ in tree.bodies]
        self._with_items: dict[int, int] = {}
        for body in reversed(tree.bodies):
            self._digest(body)

    def reads(self, body: int, item: int) -> tuple[Read, ...]:
        """What the item really reads, operand by operand."""
        known = self._reads[body]
        if not known:
            known += [None] * len(self.tree.bodies[body].record.items)
        found = known[item]
        if found is None:
            found = known[item] = self._reads_of(self.tree.bodies[body], item)
        return found

    def items_read(self, body: Body, at: int) -> tuple[int, ...] | None:
        """The items of the body that made all that the item reads, where it reads the only result of each.

        ``None`` where it reads anything else, or the body calls anything.
        """
        wires = self.wiring[body.number][at]
        if body.inner:
            return None
        for wire in wires:
            if type(wire) is not int or wire < 0:
                return None
        return cast("tuple[int, ...]", wires)

    def taken(self, body: int, item: int) -> tuple[Read, ...]:
        """What the item takes from outside: the operands of an operation, the inputs of a module call."""
        outer = self.tree.bodies[body]
        record = outer.record.items[item]
        if isinstance(record, Block):
            return tuple(outer.read(operand) for operand in record.inputs)
        return self.reads(body, item)

    def loose(self, body: Body, at: int) -> int:
        """A number for the operation whatever it reads: where it stands and how that is read are left aside.

        Of an API call its name alone: another argument is told of it where it has moved to.
        """
        item = body.record.items[at]
        assert isinstance(item, OPERATIONS)
        if isinstance(item, Semantic):
            return self.interner.number(("loose", item.name))
        arguments = tuple(map(_without_readings, item.arguments))
        keywords = tuple((name, _without_readings(argument)) for name, argument in item.keywords)
        return self.interner.number(("loose", item.name, arguments, keywords, *map(_outcome_key, item.outcomes)))

    def first_readers(self, body: int) -> dict[Definition, int]:
        """Which operation of the body reads each value first."""
        known = self._readers.get(body)
        if known is None:
            known = self._readers[body] = {}
            for at in range(len(self.tree.bodies[body].record.items)):
                for read in self.reads(body, at):
                    known.setdefault(read.definition, at)
        return known

    def held(self, body: Body) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Dtypes and shapes of the parameters and buffers that the module call and those inside it read, sorted."""
        known = self._held.get(body.number)
        if known is None:
            own = [(spec.dtype, spec.shape) for _, spec in body.record.leaves] if isinstance(body.record, Block) else []
            known = tuple(sorted([*own, *(spec for inner in body.inner.values() for spec in self.held(inner))]))
            self._held[body.number] = known
        return known

    def ends(self, body: Body) -> dict[int, Hashable]:
        """For each module call of the body, the first operation behind it that joins several values: which, and where.

        Of query, key and value projections, the attention call and the place among its operands, say. Of the two sides
        of a gate, whose factors may stand in either order, what is done to each before they are multiplied.
        """
        known = self._ends.get(body.number)
        if known is None:
            known = self._ends[body.number] = self._ends_of(body) if body.inner else {}
        return known

    def _ends_of(self, body: Body) -> dict[int, Hashable]:
        found: dict[int, Hashable] = {}
        gated: dict[int, Hashable] = {}
        sources: dict[int, dict[int, tuple[str, ...]]] = {}
        for at, item in enumerate(body.record.items):
            made_from = [sources.get(_local(operand), {}) for operand in _inputs(item)]
            if isinstance(item, Block):
                sources[at] = {at: ()}
                continue
            sources[at] = {start: (*way, item.name) for ways in made_from for start, way in ways.items()}
            if isinstance(item, Semantic) or (len(made_from) > 1 and packet_of(item.name) in JOINING):
                for position, origin in enumerate(made_from):
                    for start in origin:
                        found.setdefault(start, (item.name, position))
            elif _is_gate(item, made_from):
                gated = {start: (item.name, way) for ways in made_from for start, way in ways.items()} | gated
        return {**gated, **found}

    def _reads_of(self, body: Body, at: int) -> tuple[Read, ...]:
        item = body.record.items[at]
        return tuple([body.read(operand) for operand in operands_given(item)]) if isinstance(item, OPERATIONS) else ()

    def _digest(self, body: Body) -> None:
        """Number the body itself: equal for bodies that do the same work on whatever they are given."""
        items = body.record.items
        known = self._with_items.setdefault(id(items), body.number)  # equal layers of a file share theirs
        if known == body.number:
            self.plain[known] = [self._plain(body, at, item) for at, item in enumerate(items)]
            self.wiring[known] = tuple([tuple([_wire(operand) for operand in _inputs(item)]) for item in items])
        plain, wiring = self.plain[known], self.wiring[known]
        self.plain[body.number], self.wiring[body.number] = plain, wiring
        leaves = body.record.leaves if isinstance(body.record, Block) else ()
        key = ("body", tuple(plain), wiring, leaves, body.record.exports, _handed_in(body))
        self.digests[body.number] = self.interner.number(key)

    def _plain(self, body: Body, at: int, item: Item) -> int:
        number = self.interner.number
        match item:
            case Work():
                return number((item.name, item.wait, *_call_key(item), *[_outcome_key(one) for one in item.outcomes]))
            case Given():
                return number(("given", item.kind, item.name if item.kind == "input" else "", item.spec))
            case Semantic():
                return number(("api", item.name, *_call_key(item), self.digests[body.inner[at].number]))
            case Block():
                named = type(item), item.name, item.call, item.class_name, parameters_of(item)
                return number(("scope", *named, self.digests[body.inner[at].number]))


def _handed_in(body: Body) -> tuple[Reading | None, ...]:
    """How the calls in *body* are handed what they take: another part of the same value is no other wire."""
    calls = (inner for inner in body.inner.values() if inner.beneath is None)
    return tuple([operand.reading for inner in calls for operand in inner.inputs])


def _is_gate(item: Item, made_from: list[dict[int, tuple[str, ...]]]) -> bool:
    """Whether *item* multiplies what comes from different module calls."""
    is_product = isinstance(item, Work) and packet_of(item.name) == GATING and len(made_from) > 1
    return is_product and not made_from[0].keys() & made_from[1].keys()


def _outcome_key(outcome: Any) -> Hashable:
    return outcome if type(outcome) is TensorSpec else argument_key(outcome)


def _inputs(item: Item) -> Iterable[Operand]:
    if isinstance(item, OPERATIONS):
        return operands_given(item)
    return item.inputs if isinstance(item, Block) else ()


def _wire(operand: Operand) -> Hashable:
    reference = operand.reference
    if type(reference) is Result:
        return (reference.item, reference.position) if reference.position else reference.item
    return -1 - reference.index if isinstance(reference, Input) else operand


def is_local(wire: Hashable) -> bool:
    """Whether what is read so is made in the same body, or a leaf."""
    return wire >= 0 if type(wire) is int else not isinstance(wire, Operand) or type(wire.reference) is Leaf


def _call_key(item: Work | Semantic) -> tuple[Hashable, ...]:
    arguments = tuple([argument_key(argument) for argument in item.arguments])
    if not item.keywords:
        return (arguments,)
    return arguments, tuple((name, argument_key(argument)) for name, argument in item.keywords)


def argument_key(argument: Any) -> Hashable:
    """Equal exactly for arguments that are written alike: ``1``, ``1.0`` and ``True`` differ, NaN equals itself."""
    kind = type(argument)
    if kind is Operand:
        if type(argument.reference) is Leaf:
            return ("leaf", argument.reference.path, argument.reading)
        return "%" if argument.reading is None else argument.reading
    if kind is tuple or kind is Every:
        return (kind is Every, *map(argument_key, argument))
    if kind is float and argument and not math.isnan(argument):
        return ("float", argument)
    if kind is bool or kind is float or kind is complex:
        return (kind.__name__, repr(argument))
    return argument if kind is not str else ("str", argument)


def _local(operand: Operand) -> int:
    """The item of the body that made *operand* or handed it out; -1 for what is from outside."""
    return operand.reference.item if type(operand.reference) is Result else -1


def _without_readings(argument: Any) -> Hashable:
    if type(argument) is Operand:
        return "%"
    return tuple(map(_without_readings, argument)) if type(argument) is tuple else argument_key(argument)


def out_of_place(packet: str) -> str:
    """``aten.relu`` for ``aten.relu_``, which writes into what it reads."""
    return packet[:-1] if packet.endswith("_") and not packet.endswith("__") else packet


def forward_pair(keys: Keys, body: Body, at: int) -> Hashable:
    """Of a block in a phase, the number of the pair that its forward call is part of: it belongs to no other one."""
    inner = body.inner.get(at)
    forward = inner.forward if inner else None
    if forward is None or forward is inner or forward.outer is None:
        return None
    return keys.calls.get((forward.outer.number, forward.position))


def same_named_makers(keys: Keys, body: Body, at: int) -> Hashable:
    """Like :func:`same_makers`, with the names of the modules inside that made it: of queries, keys and values, say."""
    inside = f"{body.owner}." if body.owner else ""
    names = []
    for read in keys.reads(body.number, at):
        made = read.definition
        owner = keys.tree.bodies[made.body].owner if isinstance(made, Made) else ""
        names.append(owner[len(inside) :] if owner != body.owner and owner.startswith(inside) else "")
    return (same_makers(keys, body, at), *names) if any(names) else None


def same_makers(keys: Keys, body: Body, at: int) -> Hashable:
    """Everything about the item, and the keys of the items that made what it reads."""
    makers: list[Hashable] = []
    items = keys.items_read(body, at)
    if items is not None:
        plain = keys.plain[body.number]
        return (plain[at], *[(plain[item], 0) for item in items]) if items else plain[at]
    for read in keys.reads(body.number, at):
        made = read.definition
        makers.append((keys.plain[made.body][made.item], made.position) if isinstance(made, Made) else None)
    return (keys.plain[body.number][at], *makers) if makers else keys.plain[body.number][at]


def same_call(_keys: Keys, body: Body, at: int) -> Hashable:
    """The same call of a module, whatever it does; nothing else."""
    item = body.record.items[at]
    return ("called", item.name, item.call) if isinstance(item, ModuleCall) else None


def same_use(keys: Keys, body: Body, at: int) -> Hashable:
    """A module call that does the same, and whose result ends in the same place of what reads it."""
    if not _is_module(body, at):
        return None
    item = body.record.items[at]
    assert isinstance(item, Block)
    end = keys.ends(body).get(at)
    return None if end is None else ("used", item.class_name, keys.digests[body.inner[at].number], end)


def same_work(keys: Keys, body: Body, at: int) -> Hashable:
    """Everything about the item; a module call by what it does, whatever its name."""
    item = body.record.items[at]
    if isinstance(item, Block):
        return ("does", item.class_name, keys.digests[body.inner[at].number])
    return ("is", keys.plain[body.number][at])


def same_module(keys: Keys, body: Body, at: int) -> Hashable:
    """The same module of the same class, or the same operation on the same parameters or for the same gradients."""
    item = body.record.items[at]
    match item:
        case Block():
            return (type(item), item.name, item.call, item.class_name)
        case Given():
            return (item.kind, item.name)
        case Work():
            leaves = [operand.reference.path for operand in operands_given(item) if isinstance(operand.reference, Leaf)]
            named = (*leaves, *item.becomes)
            return (item.name, len(item.arguments), *named) if named else ("no leaves", keys.plain[body.number][at])
        case Semantic():
            return ("api", item.name)


def same_operands(_keys: Keys, body: Body, at: int) -> Hashable:
    """The same operation on several tensors, parameters in the same places: adding a parameter is no residual sum."""
    item = body.record.items[at]
    if not isinstance(item, Work):
        return None
    leaves = [isinstance(operand.reference, Leaf) for operand in operands_given(item)]
    return ("on", item.name, *leaves) if len(leaves) > 1 else None


def same_name(keys: Keys, body: Body, at: int) -> Hashable:
    """The same module name, or the same operation whatever its overload, in place or not."""
    item = body.record.items[at]
    match item:
        case Block():
            return (type(item), item.name, item.call)
        case Given():
            return (item.kind, item.spec)
        case Work() if packet_of(item.name) == COPY:
            # A copy is told by what it copies: one of labels never takes the place of one of logits.
            return (packet_of(item.name), *((spec.dtype, len(spec.shape)) for spec in _made(item)))
        case Work():
            # What reads nothing is told by nothing but what it makes.
            reads = keys.reads(body.number, at)
            kind = (_is_floating(keys, body, at),) if reads else tuple(len(spec.shape) for spec in _made(item))
            return out_of_place(packet_of(item.name)), *kind
        case Semantic():
            return ("api", item.name)


def _is_floating(keys: Keys, body: Body, at: int) -> bool | None:
    """Whether the operation makes numbers with a fraction: the same sum of positions and of scores is no same sum."""
    work = body.record.items[at]
    assert isinstance(work, Work)
    spec = next(_made(work), None)
    if spec is None and (reads := keys.reads(body.number, at)):
        spec = keys.tree.spec_of(reads[0].definition)
    return None if spec is None else spec.dtype.startswith(FLOATING)


FLOATING = ("f", "bf", "c")
"""What the short names of types of floats and of complex numbers begin with."""


def _made(work: Work) -> Iterator[TensorSpec]:
    return (outcome for outcome in work.outcomes if isinstance(outcome, TensorSpec))


def same_parameters(keys: Keys, body: Body, at: int) -> Hashable:
    """A module call that holds the same parameters, whatever it is called and does; nothing for what holds none."""
    held = keys.held(body.inner[at]) if _is_module(body, at) else ()
    return ("holds", held) if held else None


def same_elements(keys: Keys, body: Body, at: int) -> Hashable:
    """A module call that holds as many elements of parameters: experts that were stacked, projections that were joined.

    Wrong where two modules in the place of one another happen to be of one size and are unrelated otherwise.
    """
    held = keys.held(body.inner[at]) if _is_module(body, at) else ()
    total = sum(math.prod(shape) for _, shape in held)
    return ("elements", total) if total else None


def _is_module(body: Body, at: int) -> bool:
    item = body.record.items[at]
    return isinstance(item, ModuleCall)


def _family(item: AnyBlock) -> str:
    """What blocks may stand for one another: calls of modules, or phases and loops."""
    return "call" if isinstance(item, (ModuleCall, RecomputedCall)) else "stage"


def same_kind(keys: Keys, body: Body, at: int) -> Hashable:
    """The same class of module; any operation that makes the same tensors, unless it only copies."""
    item = body.record.items[at]
    match item:
        case Block():
            return (_family(item), item.class_name)
        case Given():
            return (item.kind,)
        case Work() if packet_of(item.name) in MOVES:
            return None
        case Work():
            return ("makes", item.outcomes, len(keys.reads(body.number, at)))
        case Semantic():
            return ("api",)


LEVELS: tuple[Level, ...] = (
    same_named_makers,
    same_makers,
    same_use,
    same_work,
    same_module,
    same_operands,
    same_name,
    same_parameters,
    same_elements,
    same_kind,
)
"""Likeness from the strictest to the loosest; each is tried on what the ones before left over.

Wrong where two items that have nothing to do with each other stand in one gap and share the last thing that is asked,
their kind or number of elements: then one that went and another that came are told as one that was altered.
"""
