"""What stands in a call's parentheses and after them, as arguments and outcomes."""

from __future__ import annotations

import re
from typing import Protocol

from pytest_torchgraph.canonical.program import Argument, Every, Operand, Outcome
from pytest_torchgraph.recorded.kinds import Wait
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.snapshot.limits import BRACKETS
from pytest_torchgraph.snapshot.literal import literal_of
from pytest_torchgraph.snapshot.patterns import ARGUMENT, KEYWORD_AHEAD, LEAF, OUTCOME
from pytest_torchgraph.snapshot.tensor import spec_of
from pytest_torchgraph.words.quoting import NAME, QUOTED, name_of


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
Keywords = tuple[tuple[str, Argument], ...]
BECOMES = " to "
WAITS: tuple[Wait, ...] = ("sync", "no sync")
ENDS = (" -> ", BECOMES, *(f" {wait}" for wait in WAITS))


def read_arguments(text: str, position: int, names: Names) -> tuple[tuple[Argument, ...], Keywords, int]:
    """The arguments up to the closing parenthesis, and the position after it."""
    arguments: list[Argument] = []
    keywords: list[tuple[str, Argument]] = []
    while not text.startswith(")", position):
        if arguments or keywords:
            position = _past_comma(text, position)
        keyword = KEYWORD_AHEAD.match(text, position)
        value, position = _argument(text, keyword.end() if keyword else position, names)
        if keyword:
            keywords.append((name_of(keyword[1]), value))
        else:
            arguments.append(value)
    return tuple(arguments), tuple(keywords), position + 1


def read_outcomes(text: str, position: int, names: Names) -> tuple[tuple[Outcome, ...], int]:
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


def read_wait(text: str, position: int) -> tuple[Wait | None, int]:
    """What is said of the host, and where it ends."""
    for wait in WAITS:
        if text.startswith(f" {wait}", position):
            return wait, position + len(wait) + 1
    return None, position


def read_becomes(text: str, position: int) -> tuple[tuple[tuple[int, str], ...], int]:
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
