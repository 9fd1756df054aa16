"""Lines that repeat with counting numbers, written once.

In a template ``{i}``, ``{i-1}``, ``{2i+1}``, ``{31-i}`` are numbers that count with the repetition, and
``%x | %add_{i}`` is ``%x`` in the first repetition and the other in every later one. A brace or bar that is meant as
such is doubled or braced: ``{{``, ``}}``, ``{|}``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from pytest_torchgraph.snapshot.patterns import VALUE
from pytest_torchgraph.snapshot.reading import READING

_SLOT = re.compile(rf"{VALUE}(?::\d+)?{READING}|\d+", re.ASCII)
_NAME = re.compile(VALUE, re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)
_TERM = r"(?P<term>\{(?:(?P<up>\d*)i(?P<rest>[+-]\d+)?|(?P<from>\d+)-(?P<down>\d*)i)\})"
_MARK = re.compile(rf"\{{\{{|\}}\}}|\{{\|\}}|{_TERM}| \| ", re.ASCII)
_ESCAPES = {"{": "{{", "}": "}}", "|": "{|}"}
_ESCAPED = re.compile(r"[{}|]")


class Split(NamedTuple):
    """A text as what stands still (``pieces``) and what may change between (``slots``: operands and numbers)."""

    pieces: tuple[str, ...]
    slots: tuple[str, ...]


def split(text: str, slot: re.Pattern[str] = _SLOT) -> Split:
    """*text* cut at its operands and numbers."""
    return Split(tuple(slot.split(text)), tuple(slot.findall(text)))


def shape(text: str) -> tuple[object, ...]:
    """What two lines share when one template may hold both: all but their operands and numbers."""
    pieces, slots = split(text)
    return (*pieces, "".join(["%" if one[0] == "%" else "0" for one in slots]))


class Parted(NamedTuple):
    """A line cut at its slots, those that are numbers and those that are operands, the latter cut at their numbers."""

    pieces: tuple[str, ...]
    numbers: tuple[str, ...]
    operands: tuple[Split, ...]


@lru_cache(maxsize=4096)
def _parted(text: str) -> Parted:
    pieces, slots = split(text)
    numbers = tuple([one for one in slots if one[0] != "%"])
    return Parted(pieces, numbers, tuple([split(one, _DIGITS) for one in slots if one[0] == "%"]))


def counts_on(first: str, second: str, third: str) -> bool:
    """Whether three lines of one shape can be the first three repetitions: their numbers grow evenly."""
    one, two, three = _parted(first), _parted(second), _parted(third)
    for a, b, c in zip(one.numbers, two.numbers, three.numbers, strict=False):
        if not a == b == c and int(b) - int(a) != int(c) - int(b):
            return False
    return all(b.pieces == c.pieces for b, c in zip(two.operands, three.operands, strict=False))


class Count(NamedTuple):
    """A number that is ``start`` in repetition 0 and grows by ``step``."""

    start: int
    step: int


class Counting:
    """How the numbers of one text grow from one repetition to the next, learnt from the first two it is shown."""

    def __init__(self, split_text: Split, first: int) -> None:
        self.pieces = split_text.pieces
        self.first = first
        self.texts = split_text.slots
        self.steps: list[int] | None = None
        self._still = False

    def follows(self, repetition: int, now: Split) -> bool:
        """Whether *now* is what *repetition* would be."""
        if self._still and now.slots == self.texts:
            return now.pieces == self.pieces
        if now.pieces != self.pieces:
            return False
        if self.steps is None:
            self.steps = [int(b) - int(a) for a, b in zip(self.texts, now.slots, strict=True)]
            self._still = not any(self.steps)
        past = repetition - self.first
        return all(
            text == (start if not step else str(int(start) + step * past)) and (not step or str(int(start)) == start)
            for text, start, step in zip(now.slots, self.texts, self.steps, strict=True)
        )

    def counts(self) -> list[Count]:
        """Each number as it is in repetition 0 and how it grows."""
        steps = self.steps or [0] * len(self.texts)
        return [Count(int(text) - step * self.first, step) for text, step in zip(self.texts, steps, strict=True)]


class Line:
    """One line through its repetitions: numbers count from the first, operands from the second repetition."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pieces, self.first = split(text)
        self.numbers: Counting | None = None
        self.operands: list[Counting] = []

    def follows(self, repetition: int, text: str) -> bool:
        """Whether *text* is what *repetition* would be, given those before it."""
        pieces, numbers, operands = _parted(text)
        if pieces != self.pieces:
            return False
        if self.numbers is None:
            start = _parted(self.text).numbers
            if len(start) != len(numbers):
                return False
            self.numbers = Counting(Split((), start), 0)
            self.operands = [Counting(one, 1) for one in operands]
        elif not all(known.follows(repetition, one) for known, one in zip(self.operands, operands, strict=False)):
            return False
        return len(numbers) == len(self.numbers.texts) and self.numbers.follows(repetition, Split((), numbers))

    def number_counts(self) -> list[Count]:
        """The numbers outside of operands."""
        return self.numbers.counts() if self.numbers else []

    def template(self, origin: int) -> str:
        """The line with its growing numbers as expressions of i, which is *origin* in repetition 0."""
        numbers = iter(self.number_counts())
        later = iter(self.operands)
        parts = [_escape(self.pieces[0])]
        for slot, piece in zip(self.first, self.pieces[1:], strict=True):
            if slot[0] == "%":
                parts.append(_operand_template(slot, next(later), origin))
            else:
                count = next(numbers)
                parts.append(_expression(count, origin) if count.step else slot)
            parts.append(_escape(piece))
        return "".join(parts)


def _operand_template(first: str, later: Counting, origin: int) -> str:
    counts = later.counts()
    if later.steps is None:
        # One later repetition shows no growth: a number next to i is taken to go along with it, when the first differs.
        shown = "".join(_weave(later.pieces, later.texts))
        named = _NAME.match(shown)
        in_name = len(_DIGITS.findall(named[0])) if named and shown != first else 0
        near = [
            index < in_name and str(int(text)) == text and abs(int(text) - origin - 1) <= 1
            for index, text in enumerate(later.texts)
        ]
        counts = [Count(int(text) - one, int(one)) for text, one in zip(later.texts, near, strict=True)]
    texts = [
        _expression(count, origin) if count.step else text for count, text in zip(counts, later.texts, strict=True)
    ]
    template = "".join(_weave(tuple(map(_escape, later.pieces)), tuple(texts)))
    at_first = [str(count.start) if count.step else text for count, text in zip(counts, later.texts, strict=True)]
    if "".join(_weave(later.pieces, tuple(at_first))) == first:
        return template
    return f"{_escape(first)} | {template}"


def _weave(pieces: tuple[str, ...], texts: tuple[str, ...]) -> list[str]:
    woven = [pieces[0]]
    for text, piece in zip(texts, pieces[1:], strict=True):
        woven += (text, piece)
    return woven


def _expression(count: Count, origin: int) -> str:
    factor = "" if abs(count.step) == 1 else str(abs(count.step))
    rest = count.start - count.step * origin
    if count.step < 0:
        return f"{{{rest}-{factor}i}}"
    return f"{{{factor}i{f'{rest:+d}' if rest else ''}}}"


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text) if _ESCAPED.search(text) else text


class Term(NamedTuple):
    """``factor * i + rest``."""

    factor: int
    rest: int


class Either(NamedTuple):
    """One text in the first repetition, another in all later ones."""

    first: str
    later: tuple[str | Term | Either, ...]


Parts = tuple["str | Term | Either", ...]


def instantiate(template: str, repetition: int, origin: int) -> str:
    """The line that *template* is in *repetition*, counted from 0, with i beginning at *origin*."""
    return _join(_parts(template), repetition, origin)


def _join(parts: Parts, repetition: int, origin: int) -> str:
    texts = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, Term):
            texts.append(str(part.factor * (origin + repetition) + part.rest))
        else:
            texts.append(_join(part.later, repetition, origin) if repetition else part.first)
    return "".join(texts)


@lru_cache(maxsize=4096)
def _parts(template: str) -> Parts:
    parts: list[str | Term | Either] = []
    literal = ""
    position = 0
    while found := _MARK.search(template, position):
        literal += template[position : found.start()]
        position = found.end()
        if found[0] == " | ":
            if "%" not in literal:
                raise ValueError("' | ' stands between two values")
            end = _operand_end(template, position)
            start = literal.rindex("%")
            parts += (literal[:start], Either(literal[start:], _parts(template[position:end])))
            literal, position = "", end
        elif found["term"]:
            parts += (literal, _term(found))
            literal = ""
        else:
            literal += found[0].strip("{}") or found[0][0]
    return (*parts, literal + template[position:])


def _term(found: re.Match[str]) -> Term:
    if found["from"]:
        return Term(-int(found["down"] or 1), int(found["from"]))
    return Term(int(found["up"] or 1), int(found["rest"] or 0))


def _operand_end(text: str, position: int) -> int:
    depth = 0
    for index in range(position, len(text)):
        letter = text[index]
        if letter in "([":
            depth += 1
        elif letter == " " or (letter in ")]," and not depth):
            return index
        elif letter in ")]":
            depth -= 1
    return len(text)
