"""What a line is in each of its first repetitions, as one template."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from pytest_torchgraph.snapshot.slots import Number, Operand, is_operand, number, operand, split, without_specs
from pytest_torchgraph.snapshot.template import Count, Counter, bar, counted, escaped

Column: TypeAlias = "tuple[str, ...]"


class Pattern(NamedTuple):
    """An operand or a number: text that stands still, and between it numbers, some of which count."""

    pieces: tuple[str, ...]
    numbers: tuple[str | Count, ...] = ()

    @property
    def first(self) -> str:
        """The text in repetition 0."""
        return self.at(0)

    def at(self, repetition: int) -> str:
        """The text in *repetition*."""
        return _woven(self.pieces, [one if isinstance(one, str) else one.at(repetition) for one in self.numbers])


class Apart(NamedTuple):
    """One operand in the first repetition, another in all later ones."""

    first: str
    later: Pattern


class Declared(NamedTuple):
    """The spec of a parameter, which stands where it is read first."""

    spec: str


class Varying(NamedTuple):
    """Numbers that follow no rule, one for each repetition, in slot *place* of the line."""

    texts: Column
    place: int


class Growing(NamedTuple):
    """A list of values that is longer in every repetition: some at its beginning, then a run of as many as it takes."""

    head: Column
    run: Pattern
    times: Count


Slot: TypeAlias = "Pattern | Apart | Declared | Varying | Growing"


class Line(NamedTuple):
    """A line through its repetitions: what stands still, and what each slot is."""

    pieces: tuple[str, ...]
    slots: tuple[Slot, ...] = ()

    @property
    def counts(self) -> list[Count]:
        """How the numbers outside of operands count."""
        found = [one.numbers[0] for one in self.slots if isinstance(one, Pattern) and one.pieces == ("", "")]
        return [one for one in found if isinstance(one, Count)]

    @property
    def varying(self) -> list[Varying]:
        """The slots that follow no rule."""
        return [one for one in self.slots if isinstance(one, Varying)]

    def declaring(self, specs: list[tuple[int, str]], first: str) -> Line:
        """The same with *specs* at their places in the *first* repetition."""
        slots = split(first).slots if self.slots else ()
        pieces: list[str] = []
        found: list[Slot] = []
        at = 0
        left = list(specs)
        for place, piece in enumerate(self.pieces):
            start = 0
            while left and left[0][0] <= at + len(piece):
                cut = left[0][0] - at
                pieces.append(piece[start:cut])
                found.append(Declared(left.pop(0)[1]))
                start = cut
            pieces.append(piece[start:])
            at += len(piece)
            if place < len(slots):
                found.append(self.slots[place])
                at += len(slots[place])
        return Line(tuple(pieces), tuple(found))

    def template(self, counter: Counter, times: int) -> str:
        """The line in *times* repetitions, written once."""
        parts = [_plain(self.pieces[0], counter)]
        for slot, piece in zip(self.slots, self.pieces[1:], strict=True):
            parts += (_slot_text(slot, counter, times), _plain(piece, counter))
        return "".join(parts)


def _slot_text(slot: Slot, counter: Counter, times: int) -> str:
    if isinstance(slot, Declared):
        return f"{{{slot.spec}}}"
    if isinstance(slot, Varying):
        return f"{{{'; '.join(slot.texts)}}}"
    if isinstance(slot, Growing):
        head = ", ".join(slot.head)
        run = f"{{{_pattern_text(slot.run, counter.inner, 0, 1)} ×{counted(slot.times, counter, 0, 1)}}}"
        return f"{head}, {run}" if head else run
    if isinstance(slot, Apart):
        return f"{_plain(slot.first, counter)}{bar(counter.depth)}{_pattern_text(slot.later, counter, 1, times - 1)}"
    return _pattern_text(slot, counter, 0, times - 1)


def _pattern_text(pattern: Pattern, counter: Counter, first: int, last: int) -> str:
    texts = [one if isinstance(one, str) else counted(one, counter, first, last) for one in pattern.numbers]
    return _woven(tuple(_plain(piece, counter) for piece in pattern.pieces), texts)


def _plain(text: str, counter: Counter) -> str:
    return escaped(text) if counter.is_escaped else text


def learnt(texts: Column, origin: int = 0) -> Line | None:
    """What the line is that has *texts* in its first repetitions; ``None`` where one template cannot hold them.

    *origin* is what i is at first.
    """
    if texts.count(texts[0]) == len(texts):
        return Line(texts[:1])
    first, specs = without_specs(texts[0])
    if specs and not any(without_specs(text)[1] for text in texts[1:]):
        line = learnt((first, *texts[1:]), origin)
        return line and line.declaring(specs, first)
    splits = [split(text) for text in texts]
    if any(one.pieces != splits[0].pieces for one in splits):
        return None
    slots: list[Slot] = []
    for column in zip(*(one.slots for one in splits), strict=True):
        found = learnt_slot(column, origin)
        if found is None:
            return None
        slots.append(found)
    return Line(splits[0].pieces, tuple(slots))


def learnt_slot(column: Column, origin: int = 0) -> Pattern | Apart | None:
    """What an operand or a number is that is *column* in its first repetitions."""
    if column.count(column[0]) == len(column):
        return Pattern(column[:1])
    if all(map(is_operand, column)):
        return _operand(column, origin)
    numbers = [one for one in map(number, column) if one is not None]
    count = _count(numbers, 0) if len(numbers) == len(column) else None
    return None if count is None else Pattern(("", ""), (count,))


def _operand(column: Column, origin: int) -> Pattern | Apart | None:
    cut = [operand(text) for text in column]
    if len(cut) == 2:
        later = _going_along(cut[0], cut[1], origin)
    else:
        whole = _pattern(cut, 0)
        if whole is not None:
            return whole
        found = _pattern(cut[1:], 1)
        if found is None or (len(cut) == 3 and _invents(found, cut[1].named)):
            return None
        later = found
    return later if later.first == column[0] else Apart(column[0], later)


def _invents(pattern: Pattern, named: int) -> bool:
    """Whether two repetitions alone speak for a growth; that of a name by one is no more than the order of values."""
    growing = [(place, one) for place, one in enumerate(pattern.numbers) if isinstance(one, Count)]
    return any(place >= named or abs(one.step) != 1 for place, one in growing)


def _going_along(first: Operand, later: Operand, origin: int) -> Pattern:
    """One later repetition shows no growth, but a number in its name may go along with i.

    It does where it is one more than in the first repetition, or next to i where that reads something else.
    """
    if first.pieces == later.pieces:
        pairs = zip(first.numbers, later.numbers, strict=True)
        along = [at < later.named and after.value - one.value == 1 for at, (one, after) in enumerate(pairs)]
        pattern = _with_some_along(later, along)
        if pattern.first == _woven(first.pieces, [number.text for number in first.numbers]):
            return pattern
    near = [not one.mark and abs(one.value - origin - 1) <= 1 for one in later.numbers[: later.named]]
    return _with_some_along(later, [*near, *[False] * (len(later.numbers) - later.named)])


def _with_some_along(later: Operand, along: list[bool]) -> Pattern:
    numbers = zip(later.numbers, along, strict=True)
    return Pattern(later.pieces, tuple([_along(one) if goes else one.text for one, goes in numbers]))


def _along(number: Number) -> str | Count:
    count = Count(number.value - 1, 1, number.mark)
    return count if count.at(1) == number.text else number.text


def _pattern(cut: list[Operand], first: int) -> Pattern | None:
    """What *cut* are from repetition *first* on."""
    pieces = cut[0].pieces
    if any(one.pieces != pieces for one in cut):
        return None
    numbers: list[str | Count] = []
    for column in zip(*(one.numbers for one in cut), strict=True):
        if all(one.text == column[0].text for one in column):
            numbers.append(column[0].text)
            continue
        count = _count(list(column), first)
        if count is None:
            return None
        numbers.append(count)
    return Pattern(pieces, tuple(numbers))


def _count(column: list[Number], first: int) -> Count | None:
    """How the numbers of *column* count, the first of which stands in repetition *first*."""
    step = column[1].value - column[0].value
    count = Count(column[0].value - step * first, step, column[0].mark)
    fits = all(count.at(first + place) == one.text for place, one in enumerate(column))
    return count if step and fits else None


def _woven(pieces: tuple[str, ...], texts: list[str]) -> str:
    woven = [pieces[0]]
    for text, piece in zip(texts, pieces[1:], strict=True):
        woven += (text, piece)
    return "".join(woven)
