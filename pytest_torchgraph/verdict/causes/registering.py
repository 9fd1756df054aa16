"""Parameters that are read as before and belong to the model no longer, or newly do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_torchgraph.canonical.program import Block, Given, Item, Semantic, Work
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    Called,
    Change,
    Field,
    LoopChanged,
    MetricChanged,
    Removed,
    Site,
    Value,
)
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, bytes_of, distinct, module_of
from pytest_torchgraph.verdict.places import places_text
from pytest_torchgraph.verdict.quantity import bytes_text
from pytest_torchgraph.words.counting import times

LOST = "still read, but no state_dict() or .to() reaches them: a list, not nn.ModuleList?"
FOUND = "they were read before, too, where no optimizer, state_dict() or .to() reached them"
HELD = frozenset({"parameters", "gradients", "state"})


def registered(seen: Seen) -> Iterator[Claim]:
    """Tensors that nothing made came where as many bytes of parameters went, or the other way round."""
    before, after = seen.difference.metric("parameters")
    if before is None or after is None or before == after:
        return
    lost = after < before
    constants = [given for change in (seen.added if lost else seen.removed) for given in _constants(change.site.item)]
    if sum(bytes_of(given.spec) for given in constants) != abs(after - before):
        return
    changes = tuple(_concerned(seen, lost=lost))
    many, size = len(constants), bytes_text(abs(after - before))
    be, where = "is" if many == 1 else "are", places_text(_owners(changes, lost=lost))
    if lost:
        title = f"{times(many, 'parameter')} ({size}) {be} the model's no longer: {where}"
        yield Claim(Cause("unregistered", LOST), "state", title, changes)
    else:
        title = f"{times(many, 'more parameter')} ({size}) {be} the model's: {where}"
        yield Claim(Cause("registered", FOUND), "state", title, changes)


def _constants(item: Item) -> Iterator[Given]:
    """The tensors that nothing made, which are read at *item* or inside it."""
    match item:
        case Given(kind="constant"):
            yield item
        case Block(items=items) | Semantic(items=items):
            for inner in items:
                yield from _constants(inner)
        case Given() | Work():
            return


def _concerned(seen: Seen, *, lost: bool) -> Iterator[Change]:
    """Calls of the modules that hold the parameters, what reads them, what is trained by them."""
    here, there = (seen.added, seen.removed) if lost else (seen.removed, seen.added)
    holding: list[Come] = [change for change in here if any(_constants(change.site.item))]
    classes = {change.site.item.class_name for change in holding if isinstance(change.site.item, Block)}
    twins: list[Come] = [
        each for each in there if isinstance(each.site.item, Block) and each.site.item.class_name in classes
    ]
    readers = [change for change in seen.altered if all(map(_is_of_tensors, change.fields))]
    others = [
        change
        for change in seen.changes
        if isinstance(change, (Called, LoopChanged)) or (isinstance(change, MetricChanged) and change.name in HELD)
    ]
    yield from distinct((*readers, *twins, *holding, *others))


def _is_of_tensors(field: Field) -> bool:
    """Whether the same kind of tensor is read from elsewhere."""
    before, after = field.before, field.after
    return isinstance(before, Value) and isinstance(after, Value) and before.spec == after.spec


def _owners(changes: Iterable[Change], *, lost: bool) -> Iterator[str]:
    """Paths of the modules that hold the parameters on the side where they are the model's."""
    for change in changes:
        match change:
            case Added() | Removed() if isinstance(change, Removed) is lost and isinstance(change.site.item, Block):
                yield module_of(change)
            case Altered(before, after):
                yield from _parameters_read(before if lost else after)
            case _:
                pass


def _parameters_read(site: Site) -> Iterator[str]:
    return (value.path.rpartition(".")[0] for value in site.reads if value.path)
