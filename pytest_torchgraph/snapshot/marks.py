"""How a folded line is told from a plain one.

- ``repeat ×6, i = 0-5`` stands over the lines of one period; ``repeat ×6, i = 0-5 throughout`` where i counts in all
  lines beneath, too, in which what repeats again counts with j;
- ``layers.0-31: LlamaDecoderLayer ×32(...)`` is a scope that repeats under a counting name;
- ``... as layers.0`` at the end of a line: the body is that of ``layers.0``; ``... like layers.0``: it is written
  beneath, and ``... [3:13]`` there stands for lines 3 up to 13 (counted from 0, unfolded) of the body of ``layers.0``;
- a backslash before a plain line that could be mistaken for one of these.
"""

from __future__ import annotations

import re

from pytest_torchgraph.snapshot.template import Counter

_TERM = re.compile(r"\{[^{}]*\}")
ESCAPE = "\\"
AS, LIKE = " as ", " like "

REPEAT = re.compile(
    r"repeat ×(?P<count>\d+)(?:, (?P<letter>[i-n]) = (?P<first>\d+)-(?P<last>\d+)(?P<throughout> throughout)?)?"
)
SLICE = re.compile(r"\.\.\. \[(\d+):(\d+)\]")
REFERENCE = re.compile(r"(?P<text>.*)(?P<how> as | like )(?P<path>\S+)", re.DOTALL)
COUNTED = re.compile(
    r"(?=[^\s(:]*: [^\s(×]+ ×\d)"  # so that a name with many numbers is gone through once
    r"(?P<before>[^\s(:]*?)(?<!\d)(?P<first>\d+)-(?P<last>\d+)(?!\d)(?P<after>[^\s(:]*: [^\s(×]+) ×(?P<count>\d+)"
    r"(?P<rest>.*)",
    re.DOTALL,
)
# The number of a call, which may count with a repetition around it.
_CALL = r"(?:#(?:again)?(?:\d+|\{[^{}]*\})?|\{#[^{}]*\})?"
_PHASE = re.compile(rf"phase (?P<name>\w+{_CALL})(?: |:|\(|$)")
_SCOPE = re.compile(rf"(?P<name>\"(?:[^\"\\]|\\.)*\"{_CALL}|[^\s\":]+): (?P<class>\"(?:[^\"\\]|\\.)*\"|[^\s(×\"]+)")
_COUNTING = re.compile(r"(?P<before>[^\s({]*)\{(?P<letter>[i-n])\}(?P<after>[^\s(:]*: [^\s(×]+)(?P<rest>.*)", re.DOTALL)


def is_plain(text: str) -> bool:
    """Whether *text* can be written as it is, for no folded line looks like it."""
    if "×" in text or text.startswith((ESCAPE, "... [")):
        return False
    return not ((AS in text or LIKE in text) and REFERENCE.fullmatch(text))


def scope_of(text: str) -> tuple[str, str] | None:
    """Name and class of the scope that a plain line begins."""
    phase = _PHASE.match(text)
    if phase is not None:
        return (phase["name"], "")
    found = _SCOPE.match(text)
    return (found["name"], found["class"]) if found else None


def path_in(parent: str, name: str) -> str:
    """The path of scope *name* from the root; one that begins with a slash is absolute already."""
    return f"{parent}.{name}" if parent and not name.startswith("/") else name


def repeat_text(count: int, counter: Counter, templates: tuple[str, ...]) -> str:
    """The line over a period that is repeated; i is not mentioned where no line counts."""
    counts = any(counter.letter in part for template in templates for part in _TERM.findall(template))
    return f"repeat ×{count}" + (f", {_range(count, counter)}" if counts else "")


def throughout_text(count: int, counter: Counter) -> str:
    """The line over a period in which all lines beneath count as well."""
    return f"repeat ×{count}, {_range(count, counter)} throughout"


def _range(count: int, counter: Counter) -> str:
    return f"{counter.letter} = {counter.origin}-{counter.origin + count - 1}"


def counted_text(template: str, count: int, counter: Counter) -> str | None:
    """``layers.0-31: Layer ×32(...)`` for ``layers.{i}: Layer(...)``; ``None`` where the name does not count by i."""
    found = _COUNTING.fullmatch(template)
    if found is None or found["letter"] != counter.letter:
        return None
    last = counter.origin + count - 1
    return f"{found['before']}{counter.origin}-{last}{found['after']} ×{count}{found['rest']}"


def counted_template(found: re.Match[str], counter: Counter) -> str:
    """The template that :func:`counted_text` was given."""
    return f"{found['before']}{{{counter.letter}}}{found['after']}{found['rest']}"
