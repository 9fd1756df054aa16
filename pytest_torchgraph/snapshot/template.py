"""Lines that repeat with counting numbers, written once.

In a template ``{i}``, ``{i-1}``, ``{2i+1}``, ``{31-i}`` are numbers that count with the repetition, and
``%x | %add_{i}`` is ``%x`` in the first repetition and the other in every later one. ``%mul{_i}`` is ``%mul``,
``%mul_1``, ``%mul_2``, …; so it is with ``%split{:i}`` and ``%layer{#i}``. ``{0.1; 0.2; 0.4}`` are numbers that count
by no rule, one for each repetition. ``w{:f32[8]}`` is ``w:f32[8]`` in the first repetition and ``w`` in the
others. A brace or bar that is meant as such is doubled or braced: ``{{``, ``}}``, ``{|}``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from pytest_torchgraph.snapshot.tensor import SPEC

LETTERS = "ijklmn"
"""What counts in repetitions inside one another, the outermost first."""
_ESCAPES = {"{": "{{", "}": "}}", "|": "{|}"}
_ESCAPED = re.compile(r"[{}|]")
UNSAID = {"#": 1, "_": 0, ":": 0}
"""Numbers that go without saying, by the sign before them."""


class Counter(NamedTuple):
    """What counts in a template: i, or with *depth* repetitions around that count throughout, j, k and so on.

    It begins at *origin*. Where repetitions around count, or this one does so throughout, no plain line has braces and
    bars of its own, and none is escaped.
    """

    depth: int = 0
    origin: int = 0
    is_escaped: bool = True

    @property
    def letter(self) -> str:
        """The letter that counts."""
        return LETTERS[self.depth]

    @property
    def inner(self) -> Counter:
        """What counts in repetitions inside of this one."""
        return Counter(self.depth + 1, 0, False)


class Count(NamedTuple):
    """A number that is ``start`` in repetition 0 and grows by ``step``; ``mark`` as in :class:`~.slots.Number`."""

    start: int
    step: int
    mark: str = ""

    def at(self, repetition: int) -> str:
        """The number as it stands in *repetition*."""
        return _marked(self.start + self.step * repetition, self.mark)


def _marked(number: int, mark: str) -> str:
    if not mark:
        return str(number)
    return "" if number == UNSAID[mark] else f"{mark}{number}"


def bar(depth: int) -> str:
    """What stands between an operand in the first repetition and in later ones."""
    return f" {'|' * (depth + 1)} "


def escaped(text: str) -> str:
    """*text* as a template whose braces and bars mean themselves."""
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text) if _ESCAPED.search(text) else text


class Term(NamedTuple):
    """``factor * i + rest``, left out where it is what ``mark`` leaves unsaid."""

    factor: int
    rest: int
    mark: str = ""


class Once(NamedTuple):
    """A text that stands in the first repetition alone."""

    text: str


class Choice(NamedTuple):
    """One text for each repetition."""

    texts: tuple[str, ...]


class Either(NamedTuple):
    """One text in the first repetition, another in all later ones."""

    first: str
    later: Parts


Parts = tuple["str | Term | Once | Choice | Either", ...]


def counted(count: Count, counter: Counter, first: int, last: int) -> str:
    """*count* in a template, in whose repetitions *first* to *last* it stands."""
    letter, factor = counter.letter, "" if abs(count.step) == 1 else str(abs(count.step))
    rest = count.start - count.step * counter.origin
    term = f"{rest}-{factor}{letter}" if count.step < 0 else f"{factor}{letter}{f'{rest:+d}' if rest else ''}"
    if not count.mark:
        return f"{{{term}}}"
    said = "" in (count.at(first), count.at(last))
    return f"{{{count.mark}{term}}}" if said else f"{count.mark}{{{term}}}"


def instantiate(template: str, repetition: int, counter: Counter) -> str:
    """The line that *template* is in *repetition*, counted from 0; raises ``ValueError`` where it is none."""
    return _join(_parts(template, counter.depth, is_escaped=counter.is_escaped), repetition, counter.origin)


def _join(parts: Parts, repetition: int, origin: int) -> str:
    texts = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, Term):
            texts.append(_marked(part.factor * (origin + repetition) + part.rest, part.mark))
        elif isinstance(part, Once):
            texts.append("" if repetition else part.text)
        elif isinstance(part, Choice):
            if repetition >= len(part.texts):
                raise ValueError(f"{len(part.texts)} numbers for more repetitions")
            texts.append(part.texts[repetition])
        else:
            texts.append(_join(part.later, repetition, origin) if repetition else part.first)
    return "".join(texts)


@lru_cache(maxsize=64)
def _marks(depth: int, *, is_escaped: bool) -> re.Pattern[str]:
    letter = LETTERS[depth]
    up, down = rf"(?P<up>\d*){letter}(?P<rest>[+-]\d+)?", rf"(?P<from>-?\d+)-(?P<down>\d*){letter}"
    term = rf"(?P<term>\{{(?P<mark>[_:#]?)(?:{up}|{down})\}})"
    choice = r"\{(?P<choice>[\d.e+-]+(?:; [\d.e+-]+)+)\}"
    either = rf"(?P<either>{re.escape(bar(depth))})"
    escapes = rf"|\{{\{{|\}}\}}|\{{\|\}}|\{{(?P<once>:{SPEC})\}}" if is_escaped else ""
    return re.compile(rf"{term}|{choice}|{either}{escapes}", re.ASCII)


@lru_cache(maxsize=8192)
def _parts(template: str, depth: int, *, is_escaped: bool) -> Parts:
    parts: list[str | Term | Once | Choice | Either] = []
    literal = ""
    position = 0
    marks = _marks(depth, is_escaped=is_escaped)
    while found := marks.search(template, position):
        literal += template[position : found.start()]
        position = found.end()
        if found["either"]:
            if "%" not in literal and "^" not in literal:
                raise ValueError("' | ' stands between two values")
            end = _operand_end(template, position)
            start = max(literal.rfind("%"), _saved_start(literal))
            parts += (
                literal[:start],
                Either(literal[start:], _parts(template[position:end], depth, is_escaped=is_escaped)),
            )
            literal, position = "", end
        elif found["term"]:
            parts += (literal, _term(found))
            literal = ""
        elif is_escaped and found["once"]:
            parts += (literal, Once(found["once"]))
            literal = ""
        elif found["choice"]:
            parts += (literal, Choice(tuple(found["choice"].split("; "))))
            literal = ""
        else:
            literal += found[0].strip("{}") or found[0][0]
    return (*parts, literal + template[position:])


def _saved_start(text: str) -> int:
    """Where the name of a forward value begins that is the last in *text*; it begins with its first ``^``."""
    start = text.rfind("^")
    while start > 0 and text[start - 1] == "^":
        start -= 1
    return start


def _term(found: re.Match[str]) -> Term:
    if found["from"]:
        return Term(-int(found["down"] or 1), int(found["from"]), found["mark"])
    return Term(int(found["up"] or 1), int(found["rest"] or 0), found["mark"])


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
