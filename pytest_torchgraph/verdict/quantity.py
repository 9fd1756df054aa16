"""Amounts as users write them: limits (``"<=53"``, ``"24 MiB"``) and tolerances (``"5% or 1 MiB"``)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_torchgraph.analysis.cost import STEPS, scaled
from pytest_torchgraph.analysis.tally import Total
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from pytest_torchgraph.diff.change import Difference

Relation: TypeAlias = Literal["<=", "="]
UNITS = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
LIMIT_FORMS = '53, "<=53", "=53", "24 MiB", "<=24 MB" (kB, MB, GB are decimal; KiB, MiB, GiB are binary)'
ORDER_ADVICE = "torch_graph.scaling(model, make_inputs, batch=[1, 2, 4], budget=...) takes it."
TOLERANCE_FORMS = '"5%", "1 MiB", "5% or 1 MiB" (the larger of the two), 0 (exact)'
_NUMBER = r"(\d[\d_]*(?:\.\d+)?)"
_UNIT = "|".join(UNITS)
_LIMIT = re.compile(rf"(<=|=)?\s*{_NUMBER}(?:\s*({_UNIT}))?")
_PART = re.compile(rf"{_NUMBER}\s*(%|{_UNIT})")


class AmountUnreadable(ValueError):
    """A limit or tolerance in no accepted form; the message shows what was given and what is accepted."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound on one number: ``amount`` at most (``<=``) or exactly (``=``); ``unit`` is ``""`` for a plain number."""

    relation: Relation
    amount: int
    unit: str = ""

    def allows(self, number: int) -> bool:
        """Whether *number* keeps the limit."""
        return number <= self.amount if self.relation == "<=" else number == self.amount


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a number may move either way: the larger of ``percent`` of a reference and ``bytes``."""

    percent: Decimal = Decimal(0)
    bytes: int = 0

    def allowed(self, reference: int) -> int:
        """Bytes by which a number may move, *reference* being what the percentage is taken of."""
        return max(int(self.percent * max(reference, 0) / 100), self.bytes)

    def __str__(self) -> str:
        parts = [f"{self.percent}%" if self.percent else "", bytes_text(self.bytes) if self.bytes else ""]
        return " or ".join(part for part in parts if part) or "0"


def parse_limit(value: object) -> Limit:
    """The limit written as *value*, a whole number or a text; raises :class:`AmountUnreadable`."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Limit("<=", value)
    match = _LIMIT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None and isinstance(value, str) and value.lstrip().startswith("O("):
        raise AmountUnreadable(f"limit {value!r} says how an amount grows, and one run shows no growth: {ORDER_ADVICE}")
    if match is None:
        raise AmountUnreadable(f"limit {value!r} is not understood. Accepted forms: {LIMIT_FORMS}.")
    relation, number, unit = match.groups()
    amount = Decimal(number.replace("_", "")) * UNITS.get(unit or "B", 1)
    if amount != int(amount):
        read = f"{number} {unit}" if unit else number
        raise AmountUnreadable(
            f"limit {value!r} was read as {read}, which is not a whole number. Accepted forms: {LIMIT_FORMS}."
        )
    return Limit("=" if relation == "=" else "<=", int(amount), unit or "")


def parse_tolerance(value: object) -> Tolerance:
    """The tolerance written as *value*; raises :class:`AmountUnreadable`."""
    if isinstance(value, Tolerance):
        return value
    if value == 0 and not isinstance(value, bool):
        return Tolerance()
    if not isinstance(value, str):
        raise AmountUnreadable(f"tolerance {value!r} is not understood. Accepted forms: {TOLERANCE_FORMS}.")
    if value.strip() == "0":
        return Tolerance()
    parts = [_tolerance_part(value, part.strip()) for part in value.split(" or ")]
    percents = [number for number, unit in parts if unit == "%"]
    sizes = [int(number * UNITS[unit]) for number, unit in parts if unit != "%"]
    if len(percents) > 1 or len(sizes) > 1:
        raise AmountUnreadable(f"tolerance {value!r} gives one kind twice. Accepted forms: {TOLERANCE_FORMS}.")
    return Tolerance(percents[0] if percents else Decimal(0), sizes[0] if sizes else 0)


def _tolerance_part(value: str, part: str) -> tuple[Decimal, str]:
    match = _PART.fullmatch(part)
    if match is None:
        raise AmountUnreadable(f"tolerance {value!r} is not understood at {part!r}. Accepted forms: {TOLERANCE_FORMS}.")
    return Decimal(match[1].replace("_", "")), match[2]


def bytes_pair(before: int, after: int) -> tuple[str, str]:
    """Both amounts with as many decimals as it takes to tell them apart, at last in bytes."""
    for digits in (1, 2, 3):
        left, right = bytes_text(before, digits), bytes_text(after, digits)
        if left != right:
            return left, right
    return f"{before} B", f"{after} B"


def bytes_text(count: int, digits: int = 1) -> str:
    """``24.0 MiB``, ``512 B``: binary units, one decimal unless *digits* says otherwise."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{count} B" if unit == "B" else f"{size:.{digits}f} {unit}"
        size /= 1024
    return f"{size:.{digits}f} TiB"


def flops_pair(before: int, after: int) -> tuple[str, str]:
    """Both numbers of FLOPs in three digits, in full where those do not tell them apart: ``1.31 M``, ``1.64 M``."""
    left, right = flops_text(before), flops_text(after)
    return (left, right) if left != right else (str(before), str(after))


def flops_text(count: int) -> str:
    """``1.31 M``, ``512``: three digits and a decimal unit."""
    return scaled(Total(count), STEPS, 1000)


def working_bytes(difference: Difference) -> tuple[int, int]:
    """How far the peak lies above parameters and buffers before and after: what the way of computing can move."""
    held = [difference.metric(name) for name in ("parameters", "buffers")]
    peak = difference.metric("peak")
    before, after = ((peak[side] or 0) - sum(each[side] or 0 for each in held) for side in (0, 1))
    return before, after


MANY = 10


def moved_text(before: int, after: int) -> str:
    """How far an amount moved, of what it was: every percentage that a report tells of bytes.

    ``+11.5%``; with more digits where one would show nothing, and empty where there was nothing before.

    From ten times on, how many times: ``×12``.
    """
    if not before or before == after:
        return ""
    if after >= MANY * before > 0:
        return f"×{after / before:.0f}"
    percent = 100 * (after - before) / before
    for digits in (1, 2, 3):
        if abs(percent) >= 10**-digits:
            return f"{percent:+.{digits}f}%"
    return f"{'+' if percent > 0 else '-'}<0.001%"


def seconds(value: float | None) -> str:
    """``1.24 ms``; ``?`` where it is not known."""
    if value is None:
        return "?"
    for step, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= step:
            return f"{value / step:.3g} {unit}"
    return f"{value * 1e9:.0f} ns"
