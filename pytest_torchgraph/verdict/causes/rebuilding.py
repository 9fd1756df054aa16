"""What depends on no input and is made by other operations: positions, grids, masks of windows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from pytest_torchgraph.canonical.operands import operands_given
from pytest_torchgraph.canonical.program import Given, Item, Result, Work
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.diff.change import Change, Site
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.diff.scores import may_reach_attention
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, bytes_of, distinct, is_work, made, packet
from pytest_torchgraph.verdict.causes.masks import CHOOSING, COMPARING
from pytest_torchgraph.verdict.causes.repeating import TRIVIAL
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.words.counting import times

OF_SIZES = "made of sizes and numbers alone, in each call; a buffer would be made once"
RANDOM = ("rand", "dropout", "bernoulli", "normal_", "uniform", "multinomial", "exponential")
"""Words in the names of operations that make something else each time."""
LEAST = 2
"""Operations on either side at least: of one, it says more which came in its place."""


def rebuilt(seen: Seen) -> Iterator[Claim]:
    """Work of the forward pass that reads no input, parameter or buffer, where other such work was done before."""
    came, went = _by_scope(seen.added), _by_scope(seen.removed)
    scopes = [scope for scope in came if scope in went and _is_told(came[scope], went[scope])]
    if not scopes:
        return
    numbers = [each for each in seen.came_and_went if each.site.scope in scopes and _is_number(each)]
    sides = [[change for scope in scopes for change in side[scope]] for side in (came, went)]
    count = f"{times(len(sides[0]), 'operation')} for {len(sides[1])}"
    largest = max(filter(None, (made(change.site) for change in sides[0])), key=bytes_of, default=None)
    is_mask = any(_ends_in_mask(change.site, seen.difference.scores) for change in sides[0])
    size = f": {_size_text(largest)}" if largest and not is_mask else ""
    title = f"{'a mask that' if is_mask else 'what'} depends on no input is made otherwise{size} ({count})"
    leading = sorted(sides[0], key=lambda change: -bytes_of(made(change.site)))
    changes: tuple[Change, ...] = distinct((*leading, *sides[1], *numbers))
    yield Claim(Cause("mask-rebuilt" if is_mask else "made-otherwise", OF_SIZES), "operation", title, changes)


def _size_text(spec: TensorSpec) -> str:
    return f"{spec.text}, {bytes_text(bytes_of(spec))}"


def _by_scope(changes: Sequence[Come]) -> Mapping[ScopePath, list[Come]]:
    found: dict[ScopePath, list[Come]] = defaultdict(list)
    for change in changes:
        if is_work(change) and not change.idle and phase_of(change) == FORWARD and depends_on_nothing(change.site):
            found[change.site.scope].append(change)
    return found


def _is_told(came: Sequence[Come], went: Sequence[Come]) -> bool:
    names = {packet(change) for change in (*came, *went)}
    return len(came) >= LEAST and len(went) >= LEAST and bool(names - TRIVIAL)


def _is_number(change: Come) -> bool:
    item = change.site.item
    return isinstance(item, Given) and item.kind != "input" and item.spec.shape == ()


def depends_on_nothing(site: Site) -> bool:
    """Whether the operation at *site* reads, however far back, nothing but what its own module makes of numbers."""
    return isinstance(site.item, Work) and any(item is site.item for item in _free_items(site))


def _ends_in_mask(site: Site, scores: frozenset[tuple[int, int]]) -> bool:
    """Whether what depends on no input ends in a mask of one of the sizes that attention has."""
    masks = [item for item in _free_items(site) if (spec := _masks(item)) is not None and spec.shape[-2:] in scores]
    return site.body is not None and any(may_reach_attention(site.body, item) for item in masks)


def _masks(item: Item) -> TensorSpec | None:
    """What *item* makes where it puts values by a mask, or compares."""
    is_mask = isinstance(item, Work) and packet_of(item.name) in CHOOSING | COMPARING
    outcomes = item.outcomes if isinstance(item, Work) and is_mask else ()
    return next((each for each in outcomes if isinstance(each, TensorSpec)), None)


def _free_items(site: Site) -> list[Item]:
    """The items beside *site* that depend on nothing but what stands there before them, numbers and lists included."""
    free: dict[int, Item] = {}
    for at, item in enumerate(site.body.items if site.body is not None else ()):
        reads = [operand.reference for operand in operands_given(item)] if isinstance(item, Work) else []
        is_free = all(isinstance(each, Result) and each.item in free for each in reads) and not _is_random(item)
        if is_free and (isinstance(item, Work) or (isinstance(item, Given) and item.kind != "input")):
            free[at] = item
        elif isinstance(item, Work) and not item.outcomes and reads and isinstance(reads[0], Result):
            free.pop(reads[0].item, None)
    return [*free.values()]


def _is_random(item: Item) -> bool:
    return isinstance(item, Work) and any(word in item.name for word in RANDOM)
