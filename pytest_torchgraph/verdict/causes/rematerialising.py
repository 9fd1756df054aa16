"""What a compiler computes again in the backward pass, what it computes once, and the gradients that it lays out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from pytest_torchgraph.canonical.program import Block
from pytest_torchgraph.diff.change import Altered, Field, Removed, Value
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.phase import BACKWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, module_of, operations_of, packet, work_names
from pytest_torchgraph.verdict.causes.engines import Sides
from pytest_torchgraph.words.counting import listed, times

FEW = 3
AGAIN = Cause("computed-again", "what is saved for the backward pass is the compiler's choice")
ONCE = Cause("computed-once", "a compiled graph computes the same of the same values once")
LAID_OUT = Cause("gradient-laid-out", "a compiled backward graph takes a gradient as its output lies in memory")
COPY = ("aten.empty_strided", "aten.copy_")
_NUMBERED = re.compile(r"^[%^]+(?P<name>.*?)(?:_\d+)?(?:#\d+)?(?::\d+)?$")
Test = Callable[[Field], bool]


def rematerialising(sides: Sides) -> Iterator[Claim]:
    """What one run saves and the other computes again, what only the compiler does once, gradients that it copies."""
    again, saved = (
        [one for one in changes if one.again and phase_of(one) == BACKWARD] for changes in (sides.compiled, sides.eager)
    )
    if again:
        readers = _readers(sides, again, _is_saved)
        yield _claim(AGAIN, "computed again in the compiled backward pass, not saved", again, readers)
    elif readers := _readers(sides, saved, _is_saved):
        yield _claim(AGAIN, "saved by the compiler, not computed again in the backward pass", saved, readers)
    once = [one for one in sides.eager if _is_done_twice(one, sides) and phase_of(one) != BACKWARD]
    if once:
        yield _claim(ONCE, "computed once by the compiler", once, ())
    laid_out = [
        one for one in sides.compiled if packet(one) in COPY and phase_of(one) == BACKWARD and not module_of(one)
    ]
    if {packet(one) for one in laid_out} == set(COPY):
        title = "a gradient is copied for the compiled backward pass"
        yield _claim(LAID_OUT, title, laid_out, _readers(sides, laid_out, _is_of_this_pass))


def _claim(cause: Cause, what: str, leading: list[Come], readers: Iterable[Altered]) -> Claim:
    names = dict.fromkeys(name.removeprefix("aten.") for one in leading for name in work_names(one.site))
    count = times(operations_of(leading), "operation", "+d")
    title = f"{what}: {listed(list(names), FEW)} ({count})"
    return Claim(cause, "compile", title, (*leading, *readers))


def _is_done_twice(change: Come, sides: Sides) -> bool:
    """Whether the same work on the same values is in both graphs, too.

    Of what came it is only known that the graph does it elsewhere: wrong where that came as well, and the other graph
    does the same to other values.
    """
    if isinstance(change, Removed):
        return change.left
    return change.again and sides.compiled_count(packet(change)) > 0


def _readers(sides: Sides, made: Iterable[Come], test: Test) -> list[Altered]:
    """The operations that differ in nothing but that they read what is *made* in place of the same value."""
    names = {name for one in made for name in _names_of(one)}

    def reads_it(field: Field) -> bool:
        values = [one for one in (field.before, field.after) if isinstance(one, Value)]
        return any(_plain(one) in names for one in values) and test(field)

    return [one for one in sides.altered if phase_of(one) == BACKWARD and all(map(reads_it, one.fields))]


def _names_of(change: Come) -> tuple[str, ...]:
    """What a value may be called that *change* made: after the operation, or after the module that hands it out."""
    item = change.site.item
    own = item.name if isinstance(item, Block) else packet(change)
    return tuple(name.rpartition(".")[2] for name in (own, module_of(change)))


def _plain(value: Value) -> str:
    found = _NUMBERED.match(value.name)
    return found["name"] if found else value.name


def _is_saved(field: Field) -> bool:
    """Whether one side reads a value that the forward pass saved, and the other the same made in this pass."""
    values = [one for one in (field.before, field.after) if isinstance(one, Value)]
    return (
        field.kind == "operand"
        and len({one.spec for one in values}) == 1
        and {one.name[:1] for one in values} == {"^", "%"}
    )


def _is_of_this_pass(field: Field) -> bool:
    return field.kind == "operand"
