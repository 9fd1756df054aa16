"""How a folded line is told from a plain one.

- ``repeat ×6, i = 0-5`` stands over the lines of one period;
- ``layers.0-31: LlamaDecoderLayer ×32(...)`` is a scope that repeats under a counting name;
- ``... as layers.0`` at the end of a line: the body is that of ``layers.0``; ``... like layers.0``: it is written
  beneath, and ``... [3:13]`` there stands for lines 3 up to 13 (counted from 0, unfolded) of the body of ``layers.0``;
- a backslash before a plain line that could be mistaken for one of these.
"""

from __future__ import annotations

import re

ESCAPE = "\\"
AS, LIKE = " as ", " like "

REPEAT = re.compile(r"repeat ×(?P<count>\d+)(?:, i = (?P<first>\d+)-(?P<last>\d+))?")
SLICE = re.compile(r"\.\.\. \[(\d+):(\d+)\]")
REFERENCE = re.compile(r"(?P<text>.*)(?P<how> as | like )(?P<path>\S+)", re.DOTALL)
COUNTED = re.compile(
    r"(?=[^\s(:]*: [^\s(×]+ ×\d)"  # so that a name with many numbers is gone through once
    r"(?P<before>[^\s(:]*?)(?<!\d)(?P<first>\d+)-(?P<last>\d+)(?!\d)(?P<after>[^\s(:]*: [^\s(×]+) ×(?P<count>\d+)"
    r"(?P<rest>.*)",
    re.DOTALL,
)
_PHASE = re.compile(r"phase (?P<name>\w+(?:#\d+)?)(?: |:|\(|$)")
_SCOPE = re.compile(
    r"(?P<name>\"(?:[^\"\\]|\\.)*\"(?:#(?:again)?\d*)?|[^\s\":]+): (?P<class>\"(?:[^\"\\]|\\.)*\"|[^\s(×\"]+)"
)
_COUNTING = re.compile(r"(?P<before>[^\s({]*)\{i\}(?P<after>[^\s(:]*: [^\s(×]+)(?P<rest>.*)", re.DOTALL)


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


def repeat_text(count: int, origin: int, templates: tuple[str, ...]) -> str:
    """The line over a period that is repeated; i is not mentioned where no line counts."""
    counts = any("i" in part for template in templates for part in re.findall(r"\{[^{}]*\}", template))
    return f"repeat ×{count}" + (f", i = {origin}-{origin + count - 1}" if counts else "")


def counted_text(template: str, count: int, origin: int) -> str | None:
    """``layers.0-31: Layer ×32(...)`` for ``layers.{i}: Layer(...)``; ``None`` where the name does not count by i."""
    found = _COUNTING.fullmatch(template)
    if found is None:
        return None
    last = origin + count - 1
    return f"{found['before']}{origin}-{last}{found['after']} ×{count}{found['rest']}"


def counted_template(found: re.Match[str]) -> str:
    """The template that :func:`counted_text` was given."""
    return f"{found['before']}{{i}}{found['after']}{found['rest']}"
