"""Values that come from Python: lists and numbers in the place of tensors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from pytest_torchgraph.canonical.program import Given
from pytest_torchgraph.diff.change import Altered, Value
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, module_of
from pytest_torchgraph.words.counting import times

FROM_PYTHON = (
    "a list or number from Python is copied to the device in each call; made of a tensor (.tolist()), it waits too"
)


def constants(seen: Seen) -> Iterator[Claim]:
    """Operations that read a constant where they read a tensor, or the other way round."""
    for given, more in ((seen.added, True), (seen.removed, False)):
        found = _by_module(given)
        readers = [change for change in seen.altered if _reads_one(change, found[module_of(change)], more=more)]
        modules = set(map(module_of, readers))
        came = [change for module, changes in found.items() if module in modules for change in changes]
        if not readers:
            continue
        names = ", ".join(dict.fromkeys(packet_of(change.after.name) for change in readers))
        count = f"{times(len(came), 'constant')} {'more' if more else 'fewer'}"
        if more:
            title = f"{names}: lists or numbers from Python are read in the place of tensors ({count})"
            yield Claim(Cause("from-python", FROM_PYTHON), "argument", title, (*readers, *came), "more")
        else:
            title = f"{names}: tensors are read in the place of lists or numbers from Python ({count})"
            yield Claim(Cause("from-tensors", ""), "argument", title, (*readers, *came), "fewer")


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
