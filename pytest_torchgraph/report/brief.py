"""The few lines that a reader sees first: cut once, the same in every format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.report.outline import Outline, Row, Section, hint_text
from pytest_torchgraph.words.counting import times

WIDTH = 110
"""Characters of a line at most; a narrower terminal wraps it."""
EDITS = 3
"""Edits told of one scope."""
TITLES = 3
"""Other findings told by their titles."""
THE_MODEL = "the model"
"""Where what is in no other module is."""
CLAUSE_END = re.compile(r"; |(?<=\?) ")
"""Where a hint may end early."""
LEAST = 24
"""Characters that a title has to keep to be worth telling."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of the user's code: the numbers in each of its ``files``, and the files of which not all are told.

    They are ``near`` a change that is gone, of which no line is known.
    """

    files: tuple[tuple[str, tuple[int, ...]], ...] = ()
    cut: frozenset[str] = frozenset()
    near: bool = False

    def __str__(self) -> str:
        """``near attention.py:39,62``; empty where nothing is known."""
        told = (f"{file}:{','.join(map(str, numbers))}{',…' * (file in self.cut)}" for file, numbers in self.files)
        return f"{'near ' if self.near and self.files else ''}{', '.join(told)}"


KEEPING = frozenset({"unused-result"})
"""Causes of which it is asked what keeps alive what an operation made."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What an outline has as text: lines of code by their text, and the metrics that moved without their place."""

    lines: Mapping[str, Lines] = field(default_factory=dict)
    costs: tuple[str, ...] = ()


def brief_lines(outline: Outline, parts: Parts) -> tuple[str, ...]:
    """What stands beneath the title in a short report: where and what, its cost, the likely cause, what else.

    Of an outline without *parts*, as an earlier version wrote it, less is put together, and more is cut.
    """
    if not outline.sections:
        return ()
    leading, *others = outline.sections
    lines = [
        *_leading_row(leading, parts),
        *_cost(outline.cost, parts),
        *_alive(outline, 1 if leading.in_cost or leading.cause in KEEPING else 0),
        *_hint(leading),
        *_others(others),
    ]
    return tuple(f"  {line}" for line in lines)


def cut(text: str, room: int) -> str:
    """*text* in at most *room* characters, broken after a word."""
    if len(text) <= room:
        return text
    kept = text[: max(room - 1, 0)]
    at = max(kept.rfind(" "), kept.rfind(","))
    return f"{kept[:at].rstrip(' ,;:(') if at > room // 2 else kept}…"


def _leading_row(section: Section, parts: Parts) -> Iterator[str]:
    """What happened in the first place, and how many more places there are; the source line is always kept."""
    if not section.rows:
        return
    scope = section.rows[0].scope
    here = [row for row in section.rows if row.scope == scope]
    elsewhere = len({row.scope for row in section.rows}) - 1
    told = here[:EDITS]
    sources = _sources([row.source for row in told if row.source], parts)
    for place, more, source in _shorter(scope, elsewhere, sources):
        room = WIDTH - 2 - len(row_text(Row(place, more or " ", source)))
        row = row_text(Row(place, _edits(here, told, room) + more, source))
        if len(row) <= WIDTH - 2:
            break
    yield cut(row, WIDTH - 2)


def _shorter(scope: str, elsewhere: int, sources: str) -> Iterator[tuple[str, str, str]]:
    """What stands around the edits, in fewer words each time that a line is too long."""
    if elsewhere:
        yield scope, f" (and {times(elsewhere, 'more place')})", sources
        yield scope, f" (and {elsewhere} more)", sources
    yield scope, "", sources
    yield scope, "", cut(sources, WIDTH // 3)
    yield cut(scope, WIDTH // 3), "", cut(sources, WIDTH // 3)


def _edits(here: Sequence[Row], told: Sequence[Row], room: int) -> str:
    """The edits in full where they fit, else in fewer words, else as many as fit; the first is always told."""
    if len(full := _joined([row.text for row in told], of=here)) <= room:
        return full
    first, *others = told
    edits = [first.short or first.text]
    for row in others:
        more = next((text for text in (row.short or row.text, row.word) if _fits([*edits, text], here, room)), "")
        if not more:
            break
        edits.append(more)
    in_full = [first.text, *edits[1:]]
    text = _joined(in_full if len(_joined(in_full, of=here)) <= room else edits, of=here)
    return text if len(text) <= room else cut(edits[0], max(room, LEAST))


def _fits(edits: Sequence[str], here: Sequence[Row], room: int) -> bool:
    """Whether the last of *edits* says something that the others do not, and all of them fit."""
    return bool(edits[-1]) and edits[-1] not in edits[:-1] and len(_joined(edits, of=here)) <= room


def _joined(edits: Sequence[str], of: Sequence[Row]) -> str:
    return ", ".join([*edits, *["…"] * (len(of) > len(edits))])


def _sources(texts: Sequence[str], parts: Parts) -> str:
    if not all(text in parts.lines for text in texts):
        return ", ".join(dict.fromkeys(texts))
    return str(merged([parts.lines[text] for text in texts]))


def merged(lines: Sequence[Lines]) -> Lines:
    """``near a.py:3`` and ``near a.py:5, b.py:1`` as ``near a.py:3,5, b.py:1``; near only where all of them are."""
    files: dict[str, dict[int, None]] = {}
    for file, numbers in (pair for each in lines for pair in each.files):
        files.setdefault(file, {}).update(dict.fromkeys(numbers))
    told = tuple((file, tuple(numbers)) for file, numbers in files.items())
    return Lines(told, frozenset().union(*(each.cut for each in lines)), all(each.near for each in lines))


def row_text(row: Row) -> str:
    """``layers.* ×4  +clone of %q   model.py:8``, without what is not known."""
    return "  ".join(part for part in (row.scope, row.text) if part) + (f"   {row.source}" if row.source else "")


def _cost(cost: str, parts: Parts) -> Iterator[str]:
    """The metrics that fit, without the place of the peak where that takes too much room."""
    if cost:
        yield cost if len(cost) + 2 <= WIDTH else _metrics(parts.costs or (cost,))


def _metrics(costs: Sequence[str]) -> str:
    """As many as fit; the first always."""
    told = list(costs[:1])
    for cost in costs[1:]:
        if len("; ".join([*told, cost])) + 2 <= WIDTH:
            told.append(cost)
    return cut("; ".join(told), WIDTH - 2)


def _alive(outline: Outline, most: int) -> Iterator[str]:
    """What is alive at the peak that was not, or no longer: told where no operation explains it."""
    for text in outline.alive[:most]:
        others = len(outline.alive) - most
        more = f" (-v shows {others} more)" if others else ""
        yield f"at the peak, {cut(text, WIDTH - 15 - len(more))}{more}"


def _hint(section: Section) -> Iterator[str]:
    if section.hint:
        room = WIDTH - len(f"  hint:  [{section.cause}]")
        yield f"hint: {hint_text(_clauses(section.hint, room), section.cause)}"


def _clauses(hint: str, room: int) -> str:
    """As many whole clauses of *hint* as *room* characters hold, else as many words of the first."""
    ends = [at for at in (match.start() for match in CLAUSE_END.finditer(hint)) if at < room]
    return f"{hint[: ends[-1]]}…" if len(hint) > room and ends else cut(hint, room)


def _others(sections: Sequence[Section]) -> Iterator[str]:
    """The findings that are not told here, one line for all of them."""
    told = [section for section in sections if not section.note and not section.in_cost]
    titles = [section.title for section in told]
    placed = list(map(_placed, told))
    notes = sum(section.note for section in sections)
    for count in range(min(len(titles), TITLES), -1, -1):
        left = len(titles) - count
        tail = [f"{left} more" if left else "", times(notes, "note") if notes else ""]
        end = "; ".join(part for part in tail if part)
        room = WIDTH - len("  also:  (-vv shows all)") - (len(end) + 2 if end else 0)
        ways = ("; ".join([*placed[:at], *titles[at:count]]) for at in range(count, -1, -1))
        shown = next((text for text in ways if len(text) <= room), None)
        if shown is None and count > 1:
            continue
        if shown or titles[:count] or end:
            head = cut(titles[0], max(room, LEAST)) if shown is None else shown
            yield f"also: {'; '.join(part for part in (head, end) if part)} (-vv shows all)"
        return


def _placed(section: Section) -> str:
    """The title of what has no cause, with the first place of it: a count alone says nothing of where."""
    place = section.rows[0].scope if section.rows and not section.cause else ""
    says_where = not place or place == THE_MODEL or place.split(" ×")[0] in section.title
    elsewhere = ", …" if len({row.scope for row in section.rows}) > 1 else ""
    return section.title if says_where else f"{section.title} in {place}{elsewhere}"
