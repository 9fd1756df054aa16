"""Values that come from Python: lists and numbers in the place of tensors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from pytest_torchgraph.canonical.program import Given
from pytest_torchgraph.diff.change import Altered, Value
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Side, both_ways, module_of
from pytest_torchgraph.words.counting import times

FROM_PYTHON = "a Python list or number is copied to the device in each call; of .tolist(), it waits too"


@both_ways
def constants(side: Side) -> Iterator[Claim]:
    """Operations that read a constant where they read a tensor, or the other way round."""
    found = _by_module(side.changes)
    readers = [change for change in side.seen.altered if _reads_one(change, found[module_of(change)], more=side.more)]
    modules = set(map(module_of, readers))
    came = [change for module, changes in found.items() if module in modules for change in changes]
    if not readers:
        return
    names = ", ".join(dict.fromkeys(packet_of(change.after.name) for change in readers))
    count = f"{times(len(came), 'constant')} {'more' if side.more else 'fewer'}"
    if side.more:
        title = f"{names}: what no operation made is read in the place of tensors ({count})"
        yield Claim(Cause("from-python", FROM_PYTHON), "argument", title, (*readers, *came), "more")
    else:
        title = f"{names}: tensors are read in the place of what no operation made ({count})"
        yield Claim(Cause("from-tensors", ""), "argument", title, (*readers, *came), "fewer")


@both_ways
def numbers(side: Side) -> Iterator[Claim]:
    """Operations that are given a number as it is where they were given a tensor that nothing made, or the reverse."""
    found = _by_module(side.changes)
    readers = [
        change for change in side.seen.altered if _takes_number(change, found[module_of(change)], more=side.more)
    ]
    if not readers:
        return
    modules = set(map(module_of, readers))
    came = [change for module, changes in found.items() if module in modules for change in changes]
    names = ", ".join(dict.fromkeys(packet_of(change.after.name) for change in readers))
    what = "a number as a tensor" if side.more else "a number as it is, no longer as a tensor"
    title = f"{names}: given {what} ({times(len(readers), 'operation')})"
    cause = Cause("tensor-for-number", MADE_FIRST) if side.more else Cause("number-for-tensor", "")
    yield Claim(cause, "argument", title, (*readers, *came), "more" if side.more else "fewer")


MADE_FIRST = "the number is put into a tensor first, in each call if forward() does it"


def _takes_number(change: Altered, constants: Sequence[Come], *, more: bool) -> bool:
    """Whether nothing differs but that one of *constants* stands for a number on the side that has *more* of them."""
    specs = {change.site.item.spec for change in constants if isinstance(change.site.item, Given)}
    arguments = [field for field in change.fields if field.kind == "argument"]
    same = packet_of(change.before.name) == packet_of(change.after.name)
    if len(arguments) != 1 or not same or any(field.kind not in ("argument", "name") for field in change.fields):
        return False
    sides = arguments[0].before, arguments[0].after
    tensor, number = sides[::-1] if more else sides
    return _spec_of(tensor) in specs and type(number) in (bool, int, float)


def _by_module(changes: Sequence[Come]) -> dict[str, list[Come]]:
    """The constants among *changes*, by the module that reads them."""
    found: dict[str, list[Come]] = defaultdict(list)
    for change in changes:
        if isinstance(change.site.item, Given) and change.site.item.kind == "constant":
            found[module_of(change)].append(change)
    return found


def _reads_one(change: Altered, constants: Sequence[Come], *, more: bool) -> bool:
    """Whether nothing differs but that one of *constants* is read on the side that has *more* of them."""
    specs = {change.site.item.spec for change in constants if isinstance(change.site.item, Given)}
    return bool(specs) and all(
        field.kind == "operand" and _spec_of(field.after if more else field.before) in specs for field in change.fields
    )


def _spec_of(value: object) -> TensorSpec | None:
    return value.spec if isinstance(value, Value) else None
