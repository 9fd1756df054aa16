"""What stands in a call's parentheses and after them, as arguments and outcomes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple, Protocol

from pytest_torchgraph.canonical.operands import flat
from pytest_torchgraph.canonical.program import Argument, Every, Operand, Outcome
from pytest_torchgraph.recorded.kinds import Wait
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.snapshot.limits import BRACKETS
from pytest_torchgraph.snapshot.literal import literal_of
from pytest_torchgraph.snapshot.patterns import ARGUMENT, KEYWORD_AHEAD, LEAF, OUTCOME
from pytest_torchgraph.snapshot.tensor import spec_of
from pytest_torchgraph.words.quoting import NAME, QUOTED, name_of


class Results(NamedTuple):
    """What an operation returns, which of it gets a name of its own, whether the host waits, and where that ends."""

    outcomes: tuple[Outcome, ...]
    becomes: tuple[tuple[int, str], ...]
    wait: Wait | None
    end: int


class Names(Protocol):
    """What the names in a line stand for; every method raises ``ValueError`` for one that stands for nothing."""

    def operand(self, name: str, position: int, reading: str) -> Operand:
        """The value ``%name:position``, read as the text *reading* says."""
        ...

    def saved(self, name: str, position: int, reading: str) -> Operand:
        """The forward value ``^name:position``, read as the text *reading* says."""
        ...

    def leaf(self, path: str, spec: TensorSpec | None, reading: str) -> Operand:
        """The leaf *path*, with its spec where the text gives it, read as the text *reading* says."""
        ...


_BECOMES = re.compile(rf"(?::(?P<position>\d+) )?(?:\$(?P<marked>{QUOTED}|{NAME})|(?P<leaf>{LEAF}))", re.ASCII)
# The plainest of arguments: a value just as it was made, a number, a list of whole numbers, a word, a leaf with spec.
_PLAIN = re.compile(
    r"(?:%([A-Za-z_]\w*)|(-?\d+)|(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)|(\[[-\d, ]*\]|None|True|False)"
    r"|([A-Za-z_]\w*):([a-z]\w*\[[\d,]*\]))(?=[,)])",
    re.ASCII,
)
_NAMING = re.compile(r"[%^$]")
Keywords = tuple[tuple[str, Argument], ...]
BECOMES = " to "
WAITS: tuple[Wait, ...] = ("sync", "no sync")
ENDS = (" -> ", BECOMES, *(f" {wait}" for wait in WAITS))


class NoNames:
    """What stands in a text that names no tensor."""

    def operand(self, name: str, position: int, reading: str) -> Operand:
        """No value has a name."""
        raise ValueError(f"no value %{name}:{position}{reading} stands here")

    def saved(self, name: str, position: int, reading: str) -> Operand:
        """No forward value has a name."""
        raise ValueError(f"no value {name}:{position}{reading} stands here")

    def leaf(self, path: str, spec: TensorSpec | None, reading: str) -> Operand:
        """No leaf has a name."""
        raise ValueError(f"no leaf {path}{spec or ''}{reading} stands here")


def read_arguments(text: str, position: int, names: Names) -> tuple[tuple[Argument, ...], Keywords, int]:
    """The arguments up to the closing parenthesis, and the position after it."""
    arguments: list[Argument] = []
    keywords: list[tuple[str, Argument]] = []
    while not text.startswith(")", position):
        if arguments or keywords:
            position = _past_comma(text, position)
        plain = _PLAIN.match(text, position)
        if plain is not None:
            arguments.append(_plain_argument(plain.groups(), names))
            position = plain.end()
            continue
        keyword = KEYWORD_AHEAD.match(text, position)
        value, position = _argument(text, keyword.end() if keyword else position, names)
        if keyword:
            keywords.append((name_of(keyword[1]), value))
        else:
            arguments.append(value)
    return tuple(arguments), tuple(keywords), position + 1


def _plain_argument(found: tuple[str, ...], names: Names) -> Argument:
    """What :data:`_PLAIN` found."""
    name, whole, fraction, constant, leaf, spec = found
    if name:
        return names.operand(name, 0, "")
    if leaf:
        return names.leaf(leaf, spec_of(spec), "")
    return int(whole) if whole else _constant(constant) if constant else float(fraction)


@lru_cache(maxsize=4096)
def _constant(text: str) -> Argument:
    """An argument that names no tensor, so that it is told by the text alone."""
    return _argument(text, 0, NoNames())[0]


def read_results(text: str, names: Names) -> Results:
    """What stands after the parentheses of an operation, up to an arrow or the end of the line."""
    return _results(text, names) if _NAMING.search(text) else _plain_results(text)


@lru_cache(maxsize=4096)
def _plain_results(text: str) -> Results:
    """The same where no tensor is named, so that it is told by the text alone."""
    return _results(text, NoNames())


def _results(text: str, names: Names) -> Results:
    outcomes, end = _outcomes(text, 0, names)
    becomes, end = _becomes(text, end)
    values = tuple(flat(outcomes)) if becomes else ()
    for position, path in becomes:
        if position >= len(values) or not isinstance(values[position], TensorSpec):
            raise ValueError(f"no tensor that was made becomes {path}")
    wait, end = _wait(text, end)
    return Results(outcomes, becomes, wait, end)


def _outcomes(text: str, position: int, names: Names) -> tuple[tuple[Outcome, ...], int]:
    """The outcomes up to what they become, an arrow or the end of the line, and where they end."""
    outcomes: list[Outcome] = []
    if position < len(text) and not text.startswith(ENDS, position):
        if text[position] != " ":
            raise ValueError(f"nothing may stand right after a call: {text[position:]!r}")
        position += 1
        while True:
            value, position = _outcome(text, position, names)
            outcomes.append(value)
            if position == len(text) or text.startswith(ENDS, position):
                break
            position = _past_comma(text, position)
    return tuple(outcomes), position


def _wait(text: str, position: int) -> tuple[Wait | None, int]:
    """What is said of the host, and where it ends."""
    for wait in WAITS:
        if text.startswith(f" {wait}", position):
            return wait, position + len(wait) + 1
    return None, position


def _becomes(text: str, position: int) -> tuple[tuple[tuple[int, str], ...], int]:
    """Which results get names of their own, and where the list of them ends."""
    found: list[tuple[int, str]] = []
    while text.startswith(", " if found else BECOMES, position):
        one = _BECOMES.match(text, position + (2 if found else len(BECOMES)))
        if one is None:
            raise ValueError(f"the name of a gradient or a state was expected at {text[position:]!r}")
        path = name_of(one["marked"]) if one["marked"] else one["leaf"]
        found.append((int(one["position"] or 0), path))
        position = one.end()
    return tuple(found), position


def read_operand(text: str, position: int, names: Names) -> tuple[Operand, int]:
    """The one operand at *position*, and where it ends."""
    value, position = _argument(text, position, names)
    if isinstance(value, Operand):
        return value, position
    raise ValueError("a tensor was expected here")


def _check_depth(depth: int) -> None:
    if depth > BRACKETS:
        raise ValueError(f"lists stand up to {BRACKETS} deep inside one another")


def _past_comma(text: str, position: int) -> int:
    if not text.startswith(", ", position):
        raise ValueError(f"', ' or the end of the list was expected at {text[position:]!r}")
    return position + 2


def _argument(text: str, position: int, names: Names, depth: int = 0) -> tuple[Argument, int]:
    _check_depth(depth)
    found = ARGUMENT.match(text, position)
    if found is None:
        raise ValueError(f"this is no argument: {text[position:]!r}")
    if found["open"]:
        parts: list[Argument] = []
        position = found.end()
        if text.startswith("*", position):
            value, position = _argument(text, position + 1, names, depth + 1)
            if not text.startswith("]", position):
                raise ValueError("nothing stands after what is the same for every parameter")
            return Every((value,)), position + 1
        while not text.startswith("]", position):
            value, position = _argument(text, _past_comma(text, position) if parts else position, names, depth + 1)
            parts.append(value)
        return tuple(parts), position + 1
    if found["leaf"]:
        return _leaf(found["leaf"], found["spec"], found["leaf_reading"], names), found.end()
    return _simple(found, names), found.end()


def _outcome(text: str, position: int, names: Names, depth: int = 0) -> tuple[Outcome, int]:
    _check_depth(depth)
    found = OUTCOME.match(text, position)
    if found is None:
        raise ValueError(f"this is no result: {text[position:]!r}")
    if found["spec"]:
        return spec_of(found["spec"]), found.end()
    if found["open"]:
        parts: list[Outcome] = []
        position = found.end()
        if text.startswith("*", position):
            value, position = _outcome(text, position + 1, names, depth + 1)
            if not text.startswith("]", position):
                raise ValueError("nothing stands after what is the same for every parameter")
            return Every((value,)), position + 1
        while not text.startswith("]", position):
            value, position = _outcome(text, _past_comma(text, position) if parts else position, names, depth + 1)
            parts.append(value)
        return tuple(parts), position + 1
    return _simple(found, names), found.end()


def _simple(found: re.Match[str], names: Names) -> Argument:
    if found["value"]:
        value, position = found["value"], int(found["position"] or 0)
        if value.startswith("^"):
            return names.saved(value, position, found["reading"])
        return names.operand(value[1:], position, found["reading"])
    if found["literal"]:
        return literal_of(found["literal"])
    return _leaf(name_of(found["marked"]), found["marked_spec"], found["marked_reading"], names)


def _leaf(path: str, spec: str | None, reading: str, names: Names) -> Operand:
    return names.leaf(path, spec_of(spec) if spec else None, reading)
