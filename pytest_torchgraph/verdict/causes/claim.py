"""Changes that belong together because one cause brought them, and what a rule may ask about changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from functools import wraps
from typing import TypeAlias

from pytest_torchgraph.analysis.traffic import width_of
from pytest_torchgraph.canonical.program import Block, Given, Item, Semantic, Work
from pytest_torchgraph.diff.change import Added, Altered, Change, Difference, Field, Removed, Site
from pytest_torchgraph.diff.grouping import phase_of, scope_of
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.recorded.tensor import Geometry, TensorSpec
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.finding import Direction, Kind
from pytest_torchgraph.verdict.places import places_text

Come: TypeAlias = "Added | Removed"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one cause explains: the finding's kind and title, and the changes behind it, the leading ones first.

    ``beneath`` says that nothing but operations beneath API calls changed, which fail where the machine is the same,
    ``idle`` that no operation differs by it, so that it is a note.
    """

    cause: Cause
    kind: Kind
    title: str
    changes: tuple[Change, ...]
    direction: Direction = "other"
    beneath: bool = False
    idle: bool = False


Story: TypeAlias = "Callable[[Seen], Iterator[Claim]]"
"""A rule over all changes that are still unexplained."""


class Seen:
    """The changes that no story explained so far, sorted by what they are."""

    def __init__(self, changes: Iterable[Change], difference: Difference, *, same_backend: bool = False) -> None:
        self.changes = tuple(changes)
        self.difference = difference
        self.same_backend = same_backend
        came = [change for change in self.changes if isinstance(change, Added)]
        went = [change for change in self.changes if isinstance(change, Removed)]
        self.added = [change for change in came if not change.within]
        self.removed = [change for change in went if not change.within]
        self.added_within = [change for change in came if change.within]
        self.removed_within = [change for change in went if change.within]
        self.altered = [change for change in self.changes if isinstance(change, Altered) and not is_spelling(change)]

    @property
    def came_and_went(self) -> list[Come]:
        """What was added, then what was removed."""
        return [*self.added, *self.removed]


@dataclass(frozen=True, slots=True)
class Side:
    """What came, or what went (``more`` says which), and in ``others`` what did the other thing; ``seen`` is all."""

    seen: Seen
    changes: Sequence[Come]
    others: Sequence[Come]
    more: bool


def both_ways(rule: Callable[[Side], Iterator[Claim]]) -> Story:
    """*rule* as a story: written once, and run for what came and for what went."""

    @wraps(rule)
    def story(seen: Seen) -> Iterator[Claim]:
        yield from rule(Side(seen, seen.added, seen.removed, more=True))
        yield from rule(Side(seen, seen.removed, seen.added, more=False))

    return story


def is_spelling(change: Altered) -> bool:
    """Whether nothing differs but how an argument is given, which means the same."""
    return all(field.kind == "spelling" for field in change.fields)


def packet(change: Come) -> str:
    """``aten.clone`` of the operation that came or went; the name of an API call or module."""
    return packet_of(change.site.name)


def is_work(change: Come) -> bool:
    """Whether one operation came or went, which no API call made."""
    return isinstance(change.site.item, Work) and not change.site.beneath


def is_behind(change: Come, modules: Container[str], names: Container[str]) -> bool:
    """Whether an operation of *names* came or went in one of *modules*, after the forward pass."""
    return phase_of(change) != FORWARD and module_of(change) in modules and packet(change) in names


def is_block(change: Come) -> bool:
    """Whether a whole module call came or went."""
    return isinstance(change.site.item, Block)


def work_names(site: Site) -> Iterator[str]:
    """Packets of the operations at *site*, those inside a module or API call included."""
    yield from names_in(site.item)


def names_in(item: Item) -> Iterator[str]:
    """Packets of the operations of *item* and inside it."""
    match item:
        case Work(name=name):
            yield packet_of(name)
        case Block(items=items) | Semantic(items=items):
            for inner in items:
                yield from names_in(inner)
        case Given():
            return


def made(site: Site) -> TensorSpec | None:
    """Spec of the first tensor that the operation at *site* made."""
    outcomes = site.item.outcomes if isinstance(site.item, Work) else ()
    return next((outcome for outcome in outcomes if isinstance(outcome, TensorSpec)), None)


def read(site: Site) -> TensorSpec | None:
    """Spec of the first tensor that the operation at *site* reads."""
    return site.reads[0].spec if site.reads else None


def is_expanded(site: Site) -> bool:
    """Whether the operation reads a tensor in which the same elements stand for several."""
    return bool(expanded_at(site))


def reads_expanded(site: Site) -> bool:
    """Whether the same elements stand for several in any of the tensors that the operation reads."""
    return any(_expanded(value.spec.geometry if value.spec else value.geometry) for value in site.reads)


def expanded_at(site: Site) -> set[int]:
    """The dimensions of the first tensor that the operation reads along which the same elements stand for several."""
    return _expanded(_geometry(site))


def _expanded(geometry: Geometry | None) -> set[int]:
    sizes = zip(geometry.shape, geometry.stride, strict=True) if geometry else ()
    return {at for at, (size, stride) in enumerate(sizes) if stride == 0 and size > 1}


def is_view(site: Site) -> bool:
    """Whether the operation reads a tensor that does not lie in one piece, row-major."""
    geometry = _geometry(site)
    return geometry is not None and not geometry.is_contiguous


def _geometry(site: Site) -> Geometry | None:
    """How the first tensor is read, all views on the way to it counted in."""
    spec = read(site)
    if spec is None:
        return site.reads[0].geometry if site.reads else None
    return spec.geometry


def reads_leaf(site: Site) -> bool:
    """Whether a parameter or buffer is among what the operation reads."""
    return any(value.path for value in site.reads)


def module_of(change: Change) -> str:
    """Path of the module in which *change* happened, whichever phase it was in and whichever call it was."""
    return scope_of(change).module


def named_places(changes: Iterable[Change]) -> str:
    """``layers.* ×4, head``: the outermost modules of *changes*."""
    return places_text(map(module_of, changes))


def fields_of(change: Altered, kind: str) -> list[Field]:
    """The fields of one kind that differ."""
    return [field for field in change.fields if field.kind == kind]


def numbers_of(change: Altered) -> tuple[float, float] | None:
    """The one number that is an argument before and after, where nothing else differs."""
    if len(change.fields) != 1 or change.fields[0].kind != "argument":
        return None
    before, after = change.fields[0].before, change.fields[0].after
    return (before, after) if type(before) is float and type(after) is float else None


def bytes_of(spec: TensorSpec | None) -> int:
    """Bytes of a dense tensor of this spec; 0 where there is none, or a size is not known."""
    if spec is None or any(size < 0 for size in spec.shape):
        return 0
    return math.prod(spec.shape) * width_of(spec.dtype)


def written(item: Item) -> int:
    """Bytes of the tensors that the operations of *item* make."""
    match item:
        case Work(outcomes=outcomes):
            return sum(bytes_of(outcome) for outcome in outcomes if isinstance(outcome, TensorSpec))
        case Block(items=items) | Semantic(items=items):
            return sum(map(written, items))
        case Given():
            return 0


def distinct(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Each change once, in order of the first."""
    return tuple({id(change): change for change in changes}.values())


def operations_of(changes: Iterable[Change]) -> int:
    """Number of operations that came less those that went."""
    total = 0
    for change in changes:
        if isinstance(change, Added):
            total += change.operations
        elif isinstance(change, Removed):
            total -= change.operations
    return total
