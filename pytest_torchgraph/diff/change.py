"""What can change between two canonical graphs: a closed union of frozen facts."""

from __future__ import annotations

from dataclasses import field
from typing import Literal, TypeAlias

from pytest_torchgraph.canonical.alive import Alive, Place
from pytest_torchgraph.canonical.program import AnyBlock, Block, Given, Item, Reading, Semantic, Work
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.compilation import CompiledGraph, GraphBreak, Recompilation
from pytest_torchgraph.recorded.operation import Literal as Constant
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.tensor import Geometry, TensorSpec

FieldKind: TypeAlias = Literal[
    "name",
    "dtype",
    "shape",
    "stride",
    "device",
    "layout",
    "argument",
    "spelling",
    "operand",
    "geometry",
    "part",
    "leaf",
    "result",
    "wait",
]
"""``spelling`` is an argument that is given otherwise and means the same: a default that is written out. ``part`` is
an operand that is the same value, of which other elements are read."""


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor as an operation reads it: where it comes from (``%addmm``, ``weight``) and, if known, its spec.

    ``reading`` is how it is read relative to the value named, ``None`` when just as it was made; ``made`` is the spec
    of that value, ``path`` the full path of a parameter, buffer or attribute. ``again`` says that a module call that
    checkpointing makes again handed it out, ``around_again`` that this is the very call that it is made in. ``maker``
    is the full name of the operation or API call that made it, where it is named after that.
    """

    name: str
    spec: TensorSpec | None
    reading: Reading | None = None
    made: TensorSpec | None = field(default=None, compare=False, repr=False)
    path: str = field(default="", compare=False)
    again: bool = field(default=False, compare=False)
    around_again: bool = field(default=False, compare=False)
    maker: str = field(default="", compare=False)

    @property
    def geometry(self) -> Geometry | None:
        """Sizes and strides relative to the value named, ``None`` when just as it was made."""
        return self.reading.geometry if self.reading else None


Shown: TypeAlias = "Constant | Value | TensorSpec | Geometry | tuple[Shown, ...]"


@dataclass(frozen=True, slots=True)
class Site:
    """One item where it stands.

    ``scope`` is the enclosing module call, phase or loop; ``inner`` the one that stands here, where one does.
    ``beneath`` names the API call whose backend operation this is; ``reads`` are its tensor operands in order; of
    module calls, only what checkpointing runs again tells them. ``around`` are the paths of the modules around it,
    innermost first. What stood in the graph before is told where its module lies now; ``stood`` is where that was then,
    ``None`` where it is the same. ``flops`` are those of all matmul-like operations here whose formula is known.
    """

    scope: ScopePath
    class_name: str
    item: Item
    beneath: str | None = None
    reads: tuple[Value, ...] = ()
    body: AnyBlock | Semantic | None = field(default=None, compare=False, repr=False)
    around: tuple[str, ...] = field(default=("",), compare=False, repr=False)
    inner: ScopePath | None = field(default=None, compare=False, repr=False)
    stood: ScopePath | None = field(default=None, compare=False, repr=False)
    flops: int = field(default=0, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The operation, API call, value or module call that stands here."""
        return self.item.name

    @property
    def source(self) -> int | None:
        """Position of the operation in the live graph; of a module call, that of the first operation inside."""
        return first_source(self.item)


@dataclass(frozen=True, slots=True)
class Field:
    """One property of a matched item that differs; ``name`` is as users see it (``dtype``, ``attn_mask``)."""

    kind: FieldKind
    name: str
    before: Shown
    after: Shown


@dataclass(frozen=True, slots=True)
class Added:
    """An operation, API call, input or whole module call that is only in the graph after.

    ``again`` says that its work is done on the same values elsewhere in that graph too, ``idle`` that nothing needs
    what it makes, ``for_host`` that only the host does, which reads it from the device. ``follows`` says that it copies
    a value that lies otherwise in memory than before. ``within`` says that it stands in a module call that is told
    itself: a sync, an attention call; then it adds no operations to those of that call. ``left`` says that the same
    work on the same values was done elsewhere before.
    """

    site: Site
    operations: int = 1
    again: bool = False
    idle: bool = False
    for_host: bool = False
    follows: bool = False
    within: bool = False
    left: bool = False


@dataclass(frozen=True, slots=True)
class Removed:
    """An operation, API call, input or whole module call that is only in the graph before.

    ``used`` tells whether something that is still there read what it made: then that reads something else now.
    The others are as in :class:`Added`, of the graph before. ``left`` says that the same work on the same values is
    still done elsewhere. ``near`` is the position in the live graph after of the forward operation that backward work
    was for, where that is still there.
    """

    site: Site
    operations: int = 1
    again: bool = False
    idle: bool = False
    for_host: bool = False
    follows: bool = False
    within: bool = False
    used: bool = False
    left: bool = False
    near: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Altered:
    """The same operation with other properties.

    ``follows`` is true when nothing but the look of tensors differs and an operand of it had already changed
    upstream: it is a consequence, not an edit of its own.
    """

    before: Site
    after: Site
    fields: tuple[Field, ...]
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Renamed:
    """A module (or an input, or a parameter) that does what it did under another name; both are full paths.

    ``told`` says that a person says so of a module, whose work may be another then. ``place`` is where it is before,
    a parameter or an input by its own path.
    """

    kind: Literal["scope", "input", "leaf"]
    before: str
    after: str
    told: bool = False
    place: ScopePath = field(default=ScopePath(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Replaced:
    """The module at one place has another class; ``told`` says that a person says the two are the same."""

    scope: ScopePath
    before: str
    after: str
    told: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """Another module is called in the place of one, though both graphs or one of them have the other too.

    ``before`` and ``after`` are the paths of the modules, ``scope`` is the call around. ``gone`` says that the
    module from before is called no longer, ``again`` that the one from after had a place of its own already, ``bare``
    that neither has parameters or buffers and both do the same work, so that it does not matter which is called.
    """

    scope: ScopePath
    before: str
    after: str
    gone: bool
    again: bool
    bare: bool = False


@dataclass(frozen=True, slots=True)
class LoopChanged:
    """Work that a phase does for each parameter is done for others; the parameters that came and went.

    ``with_model`` says that the model reads none of those that came before, and none of those that went after,
    ``alike`` also that they are of the same sizes, so that they may be the same under other names.
    ``parted`` are those that a loop of their own works on now, ``joined`` those that one worked on before.
    """

    scope: ScopePath
    came: tuple[str, ...]
    went: tuple[str, ...]
    with_model: bool = False
    alike: bool = False
    parted: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """An operation that reads the same values and does the same work, elsewhere in the order or in another scope."""

    before: Site
    after: Site
    writes: bool


@dataclass(frozen=True, slots=True)
class LeafChanged:
    """A parameter, buffer or attribute that operations of *scope* read has another spec."""

    scope: ScopePath
    path: str
    before: TensorSpec
    after: TensorSpec


@dataclass(frozen=True, slots=True)
class OutputChanged:
    """What the root returned under *path* differs; ``None`` where there was nothing."""

    path: str
    before: Value | None
    after: Value | None


@dataclass(frozen=True, slots=True)
class MetricChanged:
    """One metric of the head; ``None`` where a side does not have it."""

    name: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class RunChanged:
    """One mode of the run (train or eval, grad mode, device) differs; ``""`` where a side does not have it."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PeakMoved:
    """The peak is reached at another operation, or with other values alive there; ``None`` is the start of the run."""

    before: Place | None
    after: Place | None


@dataclass(frozen=True, slots=True)
class BreakChanged:
    """A graph break came or went, or PyTorch tells of the same line otherwise; ``None`` where there was none."""

    before: GraphBreak | None
    after: GraphBreak | None


@dataclass(frozen=True, slots=True)
class RecompileChanged:
    """A function is compiled once more than before, or no longer; ``None`` where it was not."""

    before: Recompilation | None
    after: Recompilation | None


@dataclass(frozen=True, slots=True)
class GraphChanged:
    """A compiled graph of the same number is of another function, of other sizes, or does more or less."""

    before: CompiledGraph
    after: CompiledGraph


@dataclass(frozen=True, slots=True)
class Redeclared:
    """Only bookkeeping differs: which values scopes declare as taken from or given to the outside."""

    scope: ScopePath


SiteChange: TypeAlias = Added | Removed | Altered | Moved
"""What differs at one place: an operation, a module call, a value that is given."""
ModuleChange: TypeAlias = Renamed | Replaced | Called | LoopChanged | LeafChanged | Redeclared
"""What differs of modules and of what they hold."""
HeadChange: TypeAlias = MetricChanged | RunChanged | PeakMoved
"""What differs in the heads."""
CompileChange: TypeAlias = BreakChanged | RecompileChanged | GraphChanged
"""What the compiler made otherwise."""
Change: TypeAlias = SiteChange | ModuleChange | HeadChange | CompileChange | OutputChanged


@dataclass(frozen=True, slots=True)
class Rerun:
    """How many calls of modules run again in a graph, and of those that leave something out, what."""

    calls: int = 0
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Everything that differs between two canonical graphs, in program order.

    ``counts_before`` and ``counts_after`` count operations that do work by full name, those beneath API calls
    included, and the API calls themselves. ``scores`` are the query and key lengths of the attention that either graph
    computes, by one call or by separate operations. ``reruns`` is what checkpointing runs again, before and after.
    """

    changes: tuple[Change, ...]
    metrics_before: tuple[tuple[str, int], ...] = ()
    metrics_after: tuple[tuple[str, int], ...] = ()
    peak_at_after: Place | None = None
    alive_before: tuple[Alive, ...] = ()
    alive_after: tuple[Alive, ...] = ()
    counts_before: tuple[tuple[str, int], ...] = ()
    counts_after: tuple[tuple[str, int], ...] = ()
    scores: frozenset[tuple[int, int]] = frozenset()
    reruns: tuple[Rerun, Rerun] = (Rerun(), Rerun())

    @property
    def same(self) -> bool:
        """Whether nothing at all differs."""
        return not self.changes

    def metric(self, name: str) -> tuple[int | None, int | None]:
        """Metric *name* before and after, ``None`` where it is not recorded."""
        return dict(self.metrics_before).get(name), dict(self.metrics_after).get(name)

    def count(self, name: str) -> tuple[int, int]:
        """How many operations or API calls named *name* (``aten.clone`` or ``aten.clone.default``) each side has."""
        return _count(self.counts_before, name), _count(self.counts_after, name)


def _count(counts: tuple[tuple[str, int], ...], name: str) -> int:
    return sum(count for full, count in counts if name in (full, packet_of(full)))


def first_source(item: Item) -> int | None:
    """Position in the live graph of *item*, or of the first operation in it that has one."""
    match item:
        case Given():
            return None
        case Work():
            return item.source
        case Semantic() if item.source is not None:
            return item.source
        case Semantic() | Block():
            found = (first_source(inner) for inner in item.items)
            return next((source for source in found if source is not None), None)
