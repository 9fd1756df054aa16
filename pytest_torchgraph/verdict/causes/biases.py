"""Linear and convolution layers that add a bias which they did not, or no longer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_torchgraph.canonical.program import Work
from pytest_torchgraph.diff.change import Altered, Change, Field, Value
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import BACKWARD, FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Side,
    both_ways,
    distinct,
    module_of,
    named_places,
    packet,
)
from pytest_torchgraph.verdict.causes.gradients import parameters_of

SELF, WEIGHT = 0, 2
"""Operands of ``addmm(self, mat1, mat2)``; ``mm`` has no first."""


@both_ways
def biases(side: Side) -> Iterator[Claim]:
    """The same products are made with a bias that was not added, or without one that was."""
    linear = {change: _read(change, SELF) for change in side.changes if _is_product(change, "aten.addmm")}
    apart = [pair for added in linear for pair in _plain(added, side.others)]
    folded = dict(_convolutions(side.seen.altered, more=side.more))
    forward: list[Change] = [*(change for pair in apart for change in pair), *folded]
    if not forward:
        return
    paths = {*folded.values(), *(linear[added] for added, _ in apart)}
    behind: list[Change] = [change for change in side.changes if paths & {*parameters_of(change.site)}]
    modules = set(map(module_of, forward))
    behind += [change for change in side.seen.altered if module_of(change) in modules and _derives_bias(change)]
    where = named_places(forward)
    title = f"a bias is added in {where}" if side.more else f"no bias is added any more in {where}"
    before, after = (amount or 0 for amount in side.seen.difference.metric("parameters"))
    hint = "" if before == after else BUILT if side.more else BUILT_WITHOUT
    cause = Cause("bias-added" if side.more else "bias-removed", hint)
    yield Claim(cause, "operation", title, distinct((*forward, *behind)), "more" if side.more else "fewer")


BUILT, BUILT_WITHOUT = "the layers are built with bias=True", "the layers are built with bias=False"


def _is_product(change: Come, name: str) -> bool:
    return isinstance(change.site.item, Work) and packet(change) == name and phase_of(change) == FORWARD


def _read(change: Come, at: int) -> str:
    """Path of the parameter that is operand *at*; empty where that is none."""
    reads = change.site.reads
    return reads[at].path if at < len(reads) else ""


def _plain(added: Come, others: Iterable[Come]) -> Iterator[tuple[Come, Come]]:
    """The product with a bias and the one without it, of the same weight in the same module."""
    bias, weight = _read(added, SELF), _read(added, WEIGHT)
    for change in others if bias and weight else ():
        is_plain = _is_product(change, "aten.mm") and module_of(change) == module_of(added)
        if is_plain and _read(change, WEIGHT - 1) == weight:
            yield added, change
            return


def _convolutions(altered: Iterable[Altered], *, more: bool) -> Iterator[tuple[Altered, str]]:
    """Convolutions in which nothing changed but that they are given a bias, and the path of that."""
    for change in altered:
        sides = [_bias(field) for field in change.fields]
        if phase_of(change) == FORWARD and packet_of(change.after.name) == "aten.convolution" and len(sides) == 1:
            before, after = sides[0] or (None, None)
            given, not_given = (after, before) if more else (before, after)
            if given and not_given is None:
                yield change, given


def _derives_bias(change: Altered) -> bool:
    """Whether nothing differs but whether the backward pass derives a bias."""
    names = {field.name.partition("[")[0] for field in change.fields}
    return phase_of(change) == BACKWARD and names <= {"bias_sizes", "output_mask", "result 2"}


def _bias(field: Field) -> tuple[str | None, str | None] | None:
    """The paths of the bias before and after, where *field* is that argument; ``None`` where there is none."""
    if field.name != "bias":
        return None
    before, after = (value.path if isinstance(value, Value) else None for value in (field.before, field.after))
    return before, after
