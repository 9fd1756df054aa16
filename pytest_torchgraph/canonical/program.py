"""The canonical graph: a tree of scopes whose values are known by position, and nothing that no reader can see.

A *body* is a sequence of items. A value is named by the item that made it, or as the n-th value that the scope takes
from outside, so a body means the same wherever it stands: two layers that do the same work have equal bodies.
Where a value crosses a scope's edge, the scope declares it: ``inputs`` (made outside, read inside, in order of first
reading) and ``exports`` (made inside, read outside, in the order in which they are made).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import field, replace
from functools import cached_property, lru_cache
from typing import Any, Literal, TypeAlias, cast

from pytest_torchgraph.canonical.alive import Alive, Place
from pytest_torchgraph.canonical.metric import OF_COLLECTIVES
from pytest_torchgraph.canonical.run import Run
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.collective import MARKS, kind_of
from pytest_torchgraph.recorded.collector import collector_paused
from pytest_torchgraph.recorded.compilation import Compilation
from pytest_torchgraph.recorded.kinds import Wait, names_sync
from pytest_torchgraph.recorded.operation import Literal as Constant
from pytest_torchgraph.recorded.phase import FORWARD, PHASES
from pytest_torchgraph.recorded.tensor import Geometry, TensorSpec
from pytest_torchgraph.words.closed import assert_never


@dataclass(frozen=True, slots=True)
class Input:
    """The ``index``-th value that the enclosing scope (or call) takes from outside: ``%in0``."""

    index: int


@dataclass(frozen=True, slots=True)
class Result:
    """Result ``position`` of the operation at ``item`` in the same body, or export ``position`` of the scope there."""

    item: int
    position: int = 0


@dataclass(frozen=True, slots=True)
class Leaf:
    """A parameter, buffer or attribute of a module; ``path`` is told from the scope (:mod:`~..graph.paths`)."""

    path: str


@dataclass(frozen=True, slots=True)
class Inner:
    """A value that only the caller of the model reads, told from the root body: no scope has to export it.

    ``steps`` are item positions from the root body down, the last one that of the operation; ``position`` is its
    result. Only ``Program.outputs`` are told so.
    """

    steps: tuple[int, ...]
    position: int = 0


@dataclass(frozen=True, slots=True)
class Saved:
    """A value of the forward pass, read by a phase that follows it: ``^mm``, ``^in0``.

    It is told from the forward call that the block ``up`` blocks around the reader stands for:
    ``steps`` are item positions from that call's body down, ``position`` the result of the last; without steps,
    ``position`` is one of the call's inputs.
    """

    up: int
    steps: tuple[int, ...]
    position: int = 0


Reference: TypeAlias = Input | Result | Leaf | Inner | Saved


@dataclass(frozen=True, slots=True)
class Reading:
    """How an operand differs from the value it names: geometry relative to the value's start, dtype, lazy bits.

    ``geometry`` is ``None`` when only dtype or bits differ. ``dtype`` is set where the bytes are read as another type.
    """

    geometry: Geometry | None
    dtype: str | None = None
    conj: bool = False
    neg: bool = False


@dataclass(frozen=True, slots=True)
class Operand:
    """One tensor argument: the value it names and, unless read just as it was made, how it is read."""

    reference: Reference
    reading: Reading | None = None


@lru_cache(maxsize=1 << 14)
def operand_of(named: int | str | tuple[int, int]) -> Operand:
    """What reads a value as it was made: an input by its number, a leaf by its path, a result by item and position.

    It is one object wherever it stands, so that most operands of two graphs are compared by identity.
    """
    if isinstance(named, tuple):
        return Operand(Result(*named))
    return Operand(Leaf(named) if isinstance(named, str) else Input(named))


class Every(tuple[Any, ...]):
    """A list that holds the same for every parameter: its only part stands for all of them."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Every) and tuple.__eq__(self, other)

    def __hash__(self) -> int:
        return hash(("every", *self))


Argument: TypeAlias = "Constant | Operand | tuple[Argument, ...]"
Outcome: TypeAlias = "Constant | TensorSpec | Operand | tuple[Outcome, ...]"


@dataclass(frozen=True, slots=True)
class Work:
    """One operation that does work.

    ``outcomes`` holds, in schema order, the spec of each value it made, an operand for each result that is an
    existing value, ``None`` for an undefined tensor; empty when it returns just what it wrote, in order.
    ``becomes`` gives the results that are a parameter's gradient or an optimizer's state from then on their names:
    position among the outcomes, nested ones counted, and path; whoever reads them reads a leaf.
    ``wait`` says whether the host waits for it, where its name does not tell.
    ``source`` is the operation's position in the recorded graph, for source lines; it is not compared.
    """

    name: str
    arguments: tuple[Argument, ...]
    keywords: tuple[tuple[str, Argument], ...]
    outcomes: tuple[Outcome, ...]
    becomes: tuple[tuple[int, str], ...] = ()
    wait: Wait | None = None
    source: int | None = field(default=None, compare=False)

    @property
    def is_sync(self) -> bool:
        """Whether the host waits for a device."""
        return names_sync(self.name) if self.wait is None else self.wait == "sync"


@dataclass(frozen=True, slots=True)
class Given:
    """A value that no traced operation made: ``kind`` is ``input`` (named, root body only) or ``constant``."""

    kind: str
    name: str
    spec: TensorSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What has a body of its own among the items of another: one of :data:`AnyBlock`, never made as it is.

    ``inputs`` are what it takes from the body around, ``leaves`` what its own items read, first use first, ``exports``
    what it hands out.
    """

    inputs: tuple[Operand, ...] = ()
    leaves: tuple[tuple[str, TensorSpec], ...] = ()
    items: tuple[Item, ...] = ()
    exports: tuple[Result, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleCall(Block):
    """A call of a module, in the forward pass or, in a phase, what the phase does for that call.

    ``name`` is the path of the module as the block around tells it (:mod:`~..canonical.paths`); ``call`` counts calls
    of that name within the body around from 1. In a phase it stands for the forward call of the same name and number
    in what the block around stands for. The root is a call without a name.
    """

    name: str
    call: int = 1
    class_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecomputedCall(Block):
    """A call of a module that checkpointing makes again in the backward pass, for the ``call``-th time.

    ``name`` is empty where it is the very call that the block around stands for.
    """

    name: str
    call: int = 1
    class_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseBlock(Block):
    """A phase that is not forward, where it was begun: it stands for the forward call around it.

    ``name`` is that of the phase, ``call`` counts those of one name within the body around; ``class_name`` is that of
    the optimizer.
    """

    name: str
    call: int = 1
    class_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterLoop(Block):
    """Work inside a phase that is done for each of ``parameters``.

    ``name`` is ``each`` when the items ran once for each of them, ``all`` when they ran once for all. They name the
    leaves of the parameter at hand ``parameter``, ``grad``, ``exp_avg``; a size is ``LIKE_PARAMETER`` where it is the
    parameter's.
    """

    name: Literal["each", "all"]
    call: int = 1
    parameters: tuple[str, ...]

    @property
    def class_name(self) -> str:
        """No class."""
        return ""


AnyBlock: TypeAlias = "ModuleCall | RecomputedCall | PhaseBlock | ParameterLoop"
CalledBlock: TypeAlias = "ModuleCall | RecomputedCall"


@dataclass(frozen=True, slots=True)
class Semantic:
    """An API call kept for its meaning, the dispatched operations beneath it.

    Its inputs are the tensors among its arguments (positional before keyword, every occurrence counted, each read
    as it was passed); its items see only those and what they make themselves.
    """

    name: str
    arguments: tuple[Argument, ...]
    keywords: tuple[tuple[str, Argument], ...]
    items: tuple[Item, ...]
    exports: tuple[Result, ...]
    source: int | None = field(default=None, compare=False)


Item: TypeAlias = "Work | Given | AnyBlock | Semantic"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Program:
    """A whole canonical graph.

    ``run`` are the modes that are compared; ``metrics`` are name and exact integer, in file order; ``peak_at`` is the
    operation at the peak, ``None`` when the run starts at it, ``alive`` what is alive there beside parameters and
    buffers; ``compilation`` is what the compiler made of a compiled model; ``outputs`` are what the root returned, by
    path; ``root`` is the traced callable. Two programs are equal when everything in them is, and numbers only when they
    are spelled alike: ``1`` is not ``1.0`` nor ``True``, ``0.0`` not ``-0.0``, ``nan`` is ``nan``.
    ``tells_waits`` is not compared: a file of format 1 cannot say which operations are syncs beside what their names
    tell.
    """

    run: Run
    metrics: tuple[tuple[str, int], ...]
    peak_at: Place | None
    root: ModuleCall
    outputs: tuple[tuple[str, Operand], ...]
    alive: tuple[Alive, ...] = ()
    compilation: Compilation | None = None
    tells_waits: bool = field(default=True, repr=False)

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases beside the forward pass, in the order of a training step."""
        named = dict(self.metrics)
        return tuple(phase for phase in PHASES if phase != FORWARD and f"{phase}.ops" in named)

    @cached_property
    def _exactly(self) -> object:
        with collector_paused():
            head = self.run, exactly((self.metrics,)), self.peak_at, self.alive, self.compilation
            return head, exact_item(self.root), self.outputs

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Program):
            return NotImplemented
        return self is other or self._exactly == other._exactly

    def __hash__(self) -> int:
        return hash(self._exactly)


def exactly(values: tuple[object, ...]) -> tuple[object, ...]:
    """*values* with every number among them told by its type and text, so that comparing forgives nothing.

    Shapes and flags need no such care: no two of them that are equal are spelled otherwise.
    """
    exact: list[object] = []
    for value in values:
        kind = type(value)
        if kind in _NUMBERS:
            exact.append((kind, repr(value)))
        else:
            nested = kind is tuple or kind is Every
            exact.append((kind, exactly(cast("tuple[object, ...]", value))) if nested else value)
    return tuple(exact)


def exact_item(item: Item, known: dict[int, object] | None = None) -> object:
    """*item* as tuples that are equal only when every number in it is spelled alike.

    *known* are those of blocks by their ``id``: equal layers of a file are one object.
    """
    known = {} if known is None else known
    match item:
        case Work():
            given = exactly(item.arguments), exactly(item.keywords)
            return Work, item.name, *given, exactly(item.outcomes), item.becomes, item.wait
        case Given():
            return item
        case Semantic():
            items = tuple([exact_item(each, known) for each in item.items])
            return Semantic, item.name, exactly(item.arguments), exactly(item.keywords), items, item.exports
        case Block():
            found = known.get(id(item))
            if found is None:
                items = tuple([exact_item(each, known) for each in item.items])
                named = type(item), item.name, item.call, item.class_name, parameters_of(item)
                found = known[id(item)] = (named, item.inputs, item.leaves, items, item.exports)
            return found
        case _:
            assert_never(item)


def parameters_of(block: AnyBlock | Semantic) -> tuple[str, ...]:
    """The parameters that a loop is for; none for anything else."""
    return block.parameters if isinstance(block, ParameterLoop) else ()


def without_waits(program: Program) -> Program:
    """*program* with no more said of syncs than a file of format 1 says: neither marks nor how many there are."""
    root = cast("ModuleCall", _by_name(program.root))
    metrics = tuple((name, value) for name, value in program.metrics if name != "syncs")
    return replace(program, root=root, metrics=metrics, tells_waits=False)


def without_collectives(program: Program) -> Program:
    """*program* without how many collectives there are, and to which redistributions they belong.

    So a file tells it that was written before these were told.
    """
    root = cast("ModuleCall", _each_work(program.root, _unmarked))
    metrics = tuple((name, value) for name, value in program.metrics if name not in OF_COLLECTIVES)
    return replace(program, root=root, metrics=metrics)


def _by_name(item: Item) -> Item:
    return _each_work(item, lambda work: work if work.wait is None else replace(work, wait=None))


def _unmarked(work: Work) -> Work:
    kept = tuple((name, value) for name, value in work.keywords if name not in MARKS)
    return replace(work, keywords=kept) if kept != work.keywords and kind_of(work.name) else work


def _each_work(item: Item, changed: Callable[[Work], Work]) -> Item:
    match item:
        case Work():
            return changed(item)
        case Given():
            return item
        case Block() | Semantic():
            return replace(item, items=tuple(_each_work(inner, changed) for inner in item.items))


_NUMBERS = frozenset({bool, int, float, complex})
