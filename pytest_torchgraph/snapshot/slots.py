"""A line as what stands still and what may change from one repetition to the next: operands and numbers."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from pytest_torchgraph.snapshot.patterns import LEAF, SAVED, VALUE
from pytest_torchgraph.snapshot.reading import READING
from pytest_torchgraph.snapshot.template import UNSAID
from pytest_torchgraph.snapshot.tensor import SPEC
from pytest_torchgraph.words.quoting import NAME, QUOTED

OPERAND = rf"(?:{VALUE}|{SAVED})(?::\d+)?{READING}"
FLOAT = r"(?<=[ (\[=-])\d+(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+)(?![\w.]| =)"
# What counts with an outer repetition already is one piece.
_COUNTED = r"\{[^{}]*\}"
_SLOT = re.compile(rf"({_COUNTED}|{OPERAND}|{FLOAT}|\d+)", re.ASCII)
_OPERANDS = re.compile(rf"({_COUNTED}|{OPERAND}(?:, {OPERAND})*|{FLOAT}|\d+)", re.ASCII)
_CALLED = re.compile(rf"(?P<name>{NAME}|{QUOTED})(?P<call>#[1-9]\d*)?(?=: \S)", re.ASCII)
_PARTS = re.compile(
    rf"(?P<name>.*?)(?:#(?P<call>[1-9]\d*))?(?:_(?P<suffix>[1-9]\d*))?(?::(?P<position>[1-9]\d*))?(?P<reading>{READING})",
    re.ASCII,
)
_DECLARED = re.compile(rf"(?<=[ (\[*])(?:{LEAF}|\${QUOTED})(?P<spec>:{SPEC})", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
_FLOATS = re.compile(FLOAT, re.ASCII)


class Number(NamedTuple):
    """A number in a line as it stands, ``text``, and what it is.

    ``mark`` is the sign before one that is left out where it goes without saying: ``%mul`` is ``%mul_0``, ``%split``
    is ``%split:0``, ``%layer`` is ``%layer#1``.
    """

    text: str
    value: int
    mark: str = ""


_KINDS = {"%": "%", "^": "%", "#": "#", "": "#"}


class Split(NamedTuple):
    """A text as what stands still (``pieces``) and what may change between them.

    Of a scope's line, the number of the call (``#2``, nothing for the first) is among the latter.
    """

    pieces: tuple[str, ...]
    slots: tuple[str, ...]


@lru_cache(maxsize=8192)
def split(text: str) -> Split:
    """*text* cut at its operands and numbers."""
    return _cut(text, _SLOT)


@lru_cache(maxsize=8192)
def split_at_lists(text: str) -> Split:
    """*text* cut at its numbers and its operands, several of which in a row are one slot."""
    return _cut(text, _OPERANDS)


def _cut(text: str, slot: re.Pattern[str]) -> Split:
    called = _CALLED.match(text) if ": " in text else None
    if called is None and "{" not in text:
        parts = slot.split(text)
        return Split(tuple(parts[::2]), tuple(parts[1::2]))
    return _cut_past(called, text, slot)


def _cut_past(called: re.Match[str] | None, text: str, slot: re.Pattern[str]) -> Split:
    """*text* cut where numbers in braces stand still, and where the name of a scope may end with that of a call."""
    pieces, slots, start = [], [], 0
    for found in slot.finditer(text):
        if called and found.end() > called.end():
            pieces.append(text[start : called.end("name")])
            slots.append(called["call"] or "")
            start, called = called.end(), None
        if not found[0].startswith("{") and not (called and found.start() >= called.end("name")):
            pieces.append(text[start : found.start()])
            slots.append(found[0])
            start = found.end()
    if called:
        pieces.append(text[start : called.end("name")])
        slots.append(called["call"] or "")
        start = called.end()
    return Split((*pieces, text[start:]), tuple(slots))


def is_operand(slot: str) -> bool:
    """Whether *slot* names a value."""
    return slot.startswith(("%", "^"))


def number(slot: str) -> Number | None:
    """The number that *slot* is; ``None`` for an operand and for one with a fraction."""
    if slot.isdecimal():
        return Number(slot, int(slot))
    return Number(slot, int(slot[1:] or UNSAID["#"]), "#") if not slot or slot[0] == "#" else None


def shape(text: str) -> tuple[object, ...]:
    """What two lines share when one template may hold both: all but their operands and whole numbers."""
    pieces, slots = split(text)
    return (*pieces, *[_KINDS.get(one[:1]) or ("0" if one.isdecimal() else one) for one in slots])


def fractions(text: str) -> tuple[str, ...]:
    """The numbers with a fraction in *text*, equal in all lines of one shape; none where it takes a cut to tell."""
    return () if '"' in text or "{" in text else tuple(_FLOATS.findall(text))


def shape_with_lists(text: str) -> tuple[object, ...]:
    """What two lines share when one template may hold both, however long their lists of values are."""
    pieces, slots = split_at_lists(text)
    return (*pieces, "".join([_KINDS.get(one[:1], "0") for one in slots]))


def without_specs(text: str) -> tuple[str, list[tuple[int, str]]]:
    """*text* without the specs of the parameters in it, and each with the place from which it was taken."""
    if ":" not in text:
        return text, []
    parts, taken, start = [], [], 0
    for found in _DECLARED.finditer(text):
        parts.append(text[start : found.start("spec")])
        taken.append((sum(map(len, parts)), found["spec"]))
        start = found.end()
    return "".join((*parts, text[start:])), taken


class Operand(NamedTuple):
    """An operand cut at its numbers; those in its name are the first ``named``."""

    pieces: tuple[str, ...]
    numbers: tuple[Number, ...]
    named: int


@lru_cache(maxsize=8192)
def operand(text: str) -> Operand:
    """The operand *text*."""
    found = _PARTS.fullmatch(text)
    assert found is not None
    pieces: list[str] = []
    numbers: list[Number] = []
    _add_digits(found["name"], pieces, numbers)
    for mark, group in (("#", "call"), ("_", "suffix"), (":", "position")):
        said = found[group]
        numbers.append(Number(f"{mark}{said}" if said else "", int(said or UNSAID[mark]), mark))
        pieces.append("")
    named = len(numbers) - 1
    reading_pieces: list[str] = []
    _add_digits(found["reading"], reading_pieces, numbers)
    pieces[-1] += reading_pieces[0]
    return Operand((*pieces, *reading_pieces[1:]), tuple(numbers), named)


def _add_digits(text: str, pieces: list[str], numbers: list[Number]) -> None:
    start = 0
    for found in _DIGITS.finditer(text):
        pieces.append(text[start : found.start()])
        numbers.append(Number(found[0], int(found[0])))
        start = found.end()
    pieces.append(text[start:])
