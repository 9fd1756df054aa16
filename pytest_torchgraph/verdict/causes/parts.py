"""Another part of a value that is made as before: a slice, an index or the sizes of chunks that are others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from pytest_torchgraph.canonical.program import Given
from pytest_torchgraph.diff.change import Altered, Change, Field, Value
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.diff.walk import LOOKS
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.recorded.tensor import Shape, TensorSpec
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Seen, made, named_places, packet
from pytest_torchgraph.verdict.wording import read_text

BACK = frozenset({"aten.slice_backward", "aten.select_backward"})
"""What puts the gradient of a part where that was read."""
HINT = "the same value, read with other bounds: a slice, an index, or the sizes of chunks"


def other_part(seen: Seen) -> Iterator[Claim]:
    """Operations that read other elements of a value than before, one claim for each value.

    Told with them is what is made of nothing in sizes that moved as far, and a part of a parameter or buffer that did.
    Wrong where such sizes moved alike by another edit.
    """
    found = [change for change in seen.altered if not (change.follows or change.after.beneath) and _part(change)]
    taken: set[int] = set()
    for first in sorted(found, key=_leads_late):
        changes = [change for change in found if id(change) not in taken and _value(change) == _value(first)]
        if not changes or _is_of_inputs(changes, seen):
            continue
        taken.update(map(id, changes))
        sizes = {pair for change in changes for pair in _sizes(change)}
        beside = [change for change in seen.altered if id(change) not in taken and _moved_as_far(change, sizes)]
        taken.update(map(id, beside))
        yield _claim(changes, [*beside, *_behind(changes, seen)])


def _claim(changes: Sequence[Altered], beside: Sequence[Change]) -> Claim:
    before, after = _read(changes[0])
    where = f" in {named_places(changes)}"
    readings = {(one.reading, other.reading) for one, other in map(_read, changes)}
    name, more = after.path or after.name, ", …" if len(readings) > 1 else ""
    if _is_whole(before):
        title = f"only a part of {name} is read{where}: {read_text(after)}{more}"
    elif _is_whole(after):
        title = f"all of {name} is read{where}, was {read_text(before)}{more}"
    else:
        what = "other parts of {name} are" if more else "another part of {name} is"
        title = f"{what.format(name=name)} read{where}: {read_text(after)}, was {read_text(before)}{more}"
    changed: tuple[Change, ...] = (*changes, *beside)
    return Claim(Cause("other-part", HINT), "argument", title, changed)


def _part(change: Altered) -> Field | None:
    return next((field for field in change.fields if field.kind == "part"), None)


def _read(change: Altered) -> tuple[Value, Value]:
    """The value of which *change* reads another part, as it was read and as it is."""
    field = _part(change)
    assert field is not None
    assert isinstance(field.before, Value)
    assert isinstance(field.after, Value)
    return field.before, field.after


def _value(change: Altered) -> object:
    """What tells the value apart of which another part is read: its name and look."""
    after = _read(change)[1]
    return after.path or after.name, after.made


def _leads_late(change: Altered) -> tuple[bool, bool]:
    """Whether *change* is behind the forward pass, and whether a parameter or buffer is what it reads."""
    return phase_of(change) != FORWARD, bool(_read(change)[1].path)


def _is_whole(value: Value) -> bool:
    """Whether all elements of the value are read."""
    return value.spec is not None and value.made is not None and _numel(value.spec) == _numel(value.made)


def _numel(spec: TensorSpec) -> int:
    return math.prod(spec.shape)


def _sizes(change: Altered) -> set[tuple[int, int]]:
    before, after = _read(change)
    return _moved(before.spec.shape, after.spec.shape) if before.spec and after.spec else set()


def _moved(before: Shape, after: Shape) -> set[tuple[int, int]]:
    """The sizes before and after of each dimension that has another one."""
    pairs = zip(before, after, strict=False) if len(before) == len(after) else ()
    return {(one, other) for one, other in pairs if one != other}


def _is_of_inputs(changes: Sequence[Altered], seen: Seen) -> bool:
    """Whether the inputs of the run have other sizes, and those of the parts moved as far."""
    moved: set[tuple[int, int]] = set()
    for change in seen.altered:
        before, after = change.before.item, change.after.item
        if isinstance(before, Given) and isinstance(after, Given):
            moved |= _moved(before.spec.shape, after.spec.shape)
    return bool(moved) and all(_is_as_far(*size, moved) for change in changes for size in _sizes(change))


def _is_as_far(before: int, after: int, moved: set[tuple[int, int]]) -> bool:
    """Whether a size moved by as much as one of those that *moved*, or by the same factor."""
    return any(after - before == to - at or before * to == after * at for at, to in moved)


def _moved_as_far(change: Altered, sizes: set[tuple[int, int]]) -> bool:
    """Whether nothing of an operation differs but sizes that moved as those of the part did, and what follows."""
    if change.follows or not sizes:
        return False
    if _part(change):
        return bool(_read(change)[1].path) and all(_is_as_far(*size, sizes) for size in _sizes(change))
    given = [field for field in change.fields if field.kind == "argument"]
    looks = all(field.kind in LOOKS for field in change.fields if field.kind != "argument")
    return bool(given) and looks and all(_are_as_far(field.before, field.after, sizes) for field in given)


def _are_as_far(before: object, after: object, sizes: set[tuple[int, int]]) -> bool:
    """Whether two arguments are sizes, or lists of them, that moved as far."""
    if isinstance(before, tuple) and isinstance(after, tuple):
        pairs = zip(before, after, strict=False)
        return len(before) == len(after) and all(_are_as_far(one, other, sizes) for one, other in pairs)
    if type(before) is not int or type(after) is not int:
        return False
    return before == after or _is_as_far(before, after, sizes)


def _behind(changes: Sequence[Altered], seen: Seen) -> Iterator[Change]:
    """What puts the gradient of the part elsewhere, now, or came or went because all is read, or was."""
    wholes = {_numel(value.made) for change in changes for value in _read(change) if value.made}
    for change in seen.altered:
        spec = made(change.after)
        if packet_of(change.after.name) in BACK and spec is not None and _numel(spec) in wholes:
            yield change
    for come in seen.came_and_went:
        spec = made(come.site)
        if packet(come) in BACK and spec is not None and _numel(spec) in wholes:
            yield come
