"""A canonical graph laid out for comparison: numbered bodies, and for each operand the value that it really is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from pytest_torchgraph.canonical.naming import turn_of
from pytest_torchgraph.canonical.paths import absolute
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Argument,
    Block,
    Given,
    Inner,
    Input,
    Leaf,
    ModuleCall,
    Operand,
    Outcome,
    ParameterLoop,
    PhaseBlock,
    Program,
    Reading,
    RecomputedCall,
    Result,
    Saved,
    Semantic,
    Work,
)
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.canonical.walking import module_path
from pytest_torchgraph.recorded.tensor import Geometry, TensorSpec
from pytest_torchgraph.words.closed import assert_never

Place: TypeAlias = "tuple[int, int]"
"""Number of a body, position of an item in it."""


class Made(NamedTuple):
    """A value made by the item at *body*, *item*: its result *position*."""

    body: int
    item: int
    position: int


class Own(NamedTuple):
    """A parameter, buffer or attribute, by its full path."""

    path: str


class Outside(NamedTuple):
    """A value that the root takes from outside without naming it."""

    number: int


Definition: TypeAlias = Made | Own | Outside


class Read(NamedTuple):
    """One operand: the value it is, and how it is read on the way from there (outermost last)."""

    definition: Definition
    readings: tuple[Reading, ...] = ()


@dataclass(slots=True, eq=False)
class Body:
    """The items of one module call or API call, with its place in the tree.

    ``owner`` is the path of its module. ``forward`` is the body of the forward call that it is or, in a phase, stands
    for. ``around`` are the paths of the modules around its items, innermost first, ``scopes`` the scopes.
    """

    number: int
    record: AnyBlock | Semantic
    scope: ScopePath
    class_name: str
    beneath: str | None
    outer: Body | None
    position: int
    inputs: tuple[Operand, ...]
    inner: dict[int, Body] = field(default_factory=dict)
    outer_reads: dict[int, Read] = field(default_factory=dict)
    owner: str = ""
    forward: Body | None = None
    names: list[str] = field(default_factory=list)
    around: tuple[str, ...] = ()
    scopes: tuple[ScopePath, ...] = ()

    @property
    def module(self) -> Body:
        """The innermost module call that this body is, or belongs to."""
        return self if self.beneath is None or self.outer is None else self.outer.module

    @property
    def times(self) -> int:
        """How often its items are done where it is: once, or for each parameter of a loop."""
        return times_of(self.record) * (1 if self.outer is None else self.outer.times)


class Tree:
    """The bodies of one program, the root first, each before those inside it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.bodies: list[Body] = []
        self._leaf_specs: dict[str, TensorSpec] | None = None
        self._wholes: dict[Read, tuple[Reading, ...]] = {}
        self._add(program.root, None, 0)

    def _add(self, record: AnyBlock | Semantic, outer: Body | None, position: int) -> Body:
        if isinstance(record, Block):
            scope = scope_path(outer, record) if outer else ScopePath()
            body = Body(len(self.bodies), record, scope, record.class_name, None, outer, position, record.inputs)
            body.owner = owner_of(outer, record) if outer else ""
            body.forward = forward_of(body, record)
            body.around = (body.owner, *(outer.around if outer else ()))
            body.scopes = (scope, *(outer.scopes if outer else ()))
        else:
            assert outer is not None
            inputs = tuple(operands_of(record))
            body = Body(len(self.bodies), record, outer.scope, outer.class_name, record.name, outer, position, inputs)
            body.owner, body.around, body.scopes = outer.owner, outer.around, outer.scopes
        self.bodies.append(body)
        for number, item in enumerate(record.items):
            if isinstance(item, (Block, Semantic)):
                body.inner[number] = self._add(item, body, number)
        return body

    def read(self, body: Body, operand: Operand) -> Read:
        """What *operand*, written in *body*, really is."""
        reference, reading = operand.reference, operand.reading
        if type(reference) is Result:
            made = self.made(body, reference)
            return Read(made) if reading is None else Read(made, (reading,))
        if isinstance(reference, Input):
            outer = self._input(body, reference.index)
            return outer if reading is None else Read(outer.definition, (*outer.readings, reading))
        if isinstance(reference, Saved):
            body = saved_in(body, reference.up)
            if not reference.steps:
                outer = self._input(body, reference.position)
                return outer if reading is None else Read(outer.definition, (*outer.readings, reading))
            reference = Inner(reference.steps, reference.position)
        if isinstance(reference, Inner):
            *scopes, last = reference.steps
            for step in scopes:
                body = body.inner[step]
            reference = Result(last, reference.position)
        definition = Own(leaf_path(body, reference.path)) if isinstance(reference, Leaf) else self.made(body, reference)
        return Read(definition) if reading is None else Read(definition, (reading,))

    def _input(self, body: Body, index: int) -> Read:
        known = body.outer_reads.get(index)
        if known is None:
            if body.outer is None or index >= len(body.inputs):
                known = Read(Outside(index))
            else:
                known = self.read(body.outer, body.inputs[index])
            body.outer_reads[index] = known
        return known

    def made(self, body: Body, result: Result) -> Made:
        """The operation or given value behind *result*, followed into the scopes that hand it out."""
        inner = body.inner.get(result.item) if body.inner else None
        while inner is not None and result.position < len(inner.record.exports):
            body, result = inner, inner.record.exports[result.position]
            inner = body.inner.get(result.item)
        return Made(body.number, result.item, result.position)

    def whole(self, read: Read) -> tuple[Reading, ...]:
        """The readings of *read* as one, relative to the value that it is; none where that is read as it was made."""
        if not read.readings:
            return ()
        known = self._wholes.get(read)
        if known is None:
            known = self._wholes[read] = composed(read.readings, self.spec_of(read.definition))
        return known

    def spec_of(self, definition: Definition) -> TensorSpec | None:
        """The spec of a value as it was made; ``None`` where the graph does not tell."""
        match definition:
            case Own(path):
                return self.leaves().get(path)
            case Outside():
                return None
            case Made(body, item, position):
                return self._made_spec(self.bodies[body], item, position)

    def _made_spec(self, body: Body, item: int, position: int) -> TensorSpec | None:
        record = body.record.items[item]
        if isinstance(record, Given):
            return record.spec
        if not isinstance(record, Work):
            return None
        found = list(_flat(record.outcomes))
        outcome = found[position] if position < len(found) else None
        if isinstance(outcome, Operand):
            return self.spec_of(self.read(body, outcome).definition)
        return outcome if isinstance(outcome, TensorSpec) else None

    def leaves(self) -> dict[str, TensorSpec]:
        """Specs of the parameters, buffers and attributes that are read, by full path."""
        if self._leaf_specs is None:
            self._leaf_specs = {
                leaf_path(body, path): spec
                for body in self.bodies
                if isinstance(body.record, Block)
                for path, spec in body.record.leaves
            }
        return self._leaf_specs


def composed(readings: tuple[Reading, ...], made: TensorSpec | None) -> tuple[Reading, ...]:
    """One reading for several, each of the one before it; what no kernel can see is left out.

    Several remain where bytes are read as another type on the way: their offsets count different elements.
    """
    if any(reading.dtype for reading in readings):
        return tuple(_normalised(reading) for reading in readings)
    geometry: Geometry | None = None
    for reading in readings:
        if reading.geometry is not None:
            start = geometry.offset if geometry else 0
            geometry = Geometry(reading.geometry.shape, reading.geometry.stride, reading.geometry.offset + start)
    geometry = geometry.normalised() if geometry else None
    if made is not None and made.geometry is not None and geometry == made.geometry.normalised():
        geometry = None
    conj, neg = (sum(getattr(reading, bit) for reading in readings) % 2 == 1 for bit in ("conj", "neg"))
    return (Reading(geometry, None, conj, neg),) if geometry or conj or neg else ()


def _normalised(reading: Reading) -> Reading:
    return Reading(reading.geometry and reading.geometry.normalised(), reading.dtype, reading.conj, reading.neg)


def scope_path(outer: Body, block: AnyBlock) -> ScopePath:
    """Where *block* is inside *outer*."""
    turn = turn_of(block)
    match block:
        case ModuleCall() | RecomputedCall():
            return outer.scope.called(block.name, turn, outer.scopes)
        case PhaseBlock():
            return outer.scope.begins(block.name, turn)
        case ParameterLoop():
            return outer.scope.begins(block.name, turn, is_loop=True)
        case _:
            assert_never(block)


def owner_of(outer: Body, block: AnyBlock) -> str:
    """Path of the module behind *block*: neither phase nor call count matter to its parameters."""
    return "*" if isinstance(block, ParameterLoop) else module_path(block, outer.around)


def forward_of(body: Body, block: AnyBlock) -> Body | None:
    """The body of the forward call that *block* is or stands for."""
    outer = body.outer
    if outer is None or outer.forward is outer:
        return outer if isinstance(block, (PhaseBlock, ParameterLoop)) else body
    if outer.forward is None or not isinstance(block, ModuleCall):
        return None
    for inner in outer.forward.inner.values():
        record = inner.record
        if isinstance(record, ModuleCall) and (record.name, record.call) == (block.name, block.call):
            return inner
    return None


def saved_in(body: Body, up: int) -> Body:
    """The body of the forward call that the block *up* blocks around *body* stands for."""
    around: Body | None = body.module
    for _ in range(up):
        around = around.outer if around is not None else None
    assert around is not None
    assert around.forward is not None
    return around.forward


def leaf_path(body: Body, path: str) -> str:
    """Full path of a leaf named in *body*."""
    return absolute(path, body.around)


def operands_of(item: Work | Semantic) -> list[Operand]:
    """The tensor arguments of *item*, positional before keyword, nested ones in order."""
    found = _operands_in(item.arguments)
    if item.keywords:
        found += _operands_in(tuple([argument for _, argument in item.keywords]))
    return found


def _operands_in(arguments: tuple[Argument, ...]) -> list[Operand]:
    found: list[Operand] = []
    for argument in arguments:
        if type(argument) is Operand:
            found.append(argument)
        elif isinstance(argument, tuple):
            found += _operands_in(argument)
    return found


def _flat(outcomes: tuple[Outcome, ...]) -> Iterator[Outcome]:
    for outcome in outcomes:
        if isinstance(outcome, tuple):
            yield from _flat(outcome)
        else:
            yield outcome


def times_of(record: AnyBlock | Semantic) -> int:
    """How often the items of *record* are done in it: once, or once for each parameter."""
    return len(record.parameters) if isinstance(record, ParameterLoop) and record.name == "each" else 1


def call_names(block: AnyBlock | Semantic) -> Iterator[str]:
    """Full names of the operations inside, those beneath API calls included, and of the API calls themselves.

    What a loop does for each parameter is told for each.
    """
    for item in block.items * times_of(block):
        if isinstance(item, (Work, Semantic)):
            yield item.name
        if isinstance(item, (Block, Semantic)):
            yield from call_names(item)


def operation_names(block: AnyBlock | Semantic) -> Iterator[str]:
    """Full names of the operations inside, backend operations beneath API calls included; of loops each time."""
    for item in block.items * times_of(block):
        if isinstance(item, Work):
            yield item.name
        elif isinstance(item, (Block, Semantic)):
            yield from operation_names(item)
