"""The text of arguments that are no tensors: Python's own where it is exact."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from pytest_torchgraph.recorded.operation import Group, Literal, Opaque, Packed, PackedTensor, Word
from pytest_torchgraph.words.quoting import QUOTED, QUOTED_STRING, quote, unquote

NUMBER = r"-?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|inf|nan)(?![\w.])"
GROUP = r"group\((?:\d+(?:-\d+(?::\d+)?)?(?:, )?)*\)"
PACKED = r"packed\((?:\w+\[[\d,]*\](?: \w+)?(?:; )?)*\)"
LITERAL = (
    rf"(?:None|True|False)(?![\w.=])|{NUMBER}|torch(?:\.\w+)+|word\({QUOTED}\)|{QUOTED_STRING}"
    rf"|<(?:[\w.]+|{QUOTED})>|complex\([-+.\w]+, [-+.\w]+\)|{GROUP}|{PACKED}"
)
RESERVED = frozenset({"None", "True", "False", "inf", "nan", "torch"})
_is_word = re.compile(r"torch(?:\.\w+)+", re.ASCII).fullmatch
_is_type = re.compile(r"[\w.]+", re.ASCII).fullmatch
_is_integer = re.compile(r"-?\d+", re.ASCII).fullmatch
_CONSTANTS: dict[str, Literal] = {"None": None, "True": True, "False": False}


def literal_text(value: Literal) -> str:
    """The value on one line; an int, a float and a bool are told apart, and so are 0.0 and -0.0."""
    if value is None or isinstance(value, (bool, int, float)):
        return repr(value)
    if isinstance(value, str):
        return quote(value, "'")
    if isinstance(value, Word):
        return value.text if _is_word(value.text) else f"word({quote(value.text)})"
    if isinstance(value, (Group, Packed)):
        return value.text
    if isinstance(value, Opaque):
        return f"<{value.type_name if _is_type(value.type_name) else quote(value.type_name)}>"
    return f"complex({value.real!r}, {value.imag!r})"


@lru_cache(maxsize=4096)
def literal_of(text: str) -> Literal:
    """The value that :func:`literal_text` wrote."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    for beginning, made in _READERS:
        if text.startswith(beginning):
            return made(text)
    return int(text) if _is_integer(text) else float(text)


def _opaque(text: str) -> Opaque:
    return Opaque(unquote(text[1:-1]) if text[1] == '"' else text[1:-1])


def _complex(text: str) -> complex:
    real, _, imaginary = text[8:-1].partition(", ")
    return complex(float(real), float(imaginary))


def _group(text: str) -> Group:
    return Group(tuple(rank for span in text[6:-1].split(", ") if span for rank in _ranks(span)))


def _ranks(span: str) -> range:
    ends, _, step = span.partition(":")
    first, _, last = ends.partition("-")
    return range(int(first), int(last or first) + 1, int(step or 1))


def _packed(text: str) -> Packed:
    return Packed(tuple(_packed_tensor(part) for part in text[7:-1].split("; ") if part))


def _packed_tensor(text: str) -> PackedTensor:
    sizes, _, scheme = text.partition(" ")
    dtype, _, shape = sizes[:-1].partition("[")
    return PackedTensor(dtype, tuple(int(size) for size in shape.split(",") if size), scheme)


_READERS: tuple[tuple[str, Callable[[str], Literal]], ...] = (
    ("'", unquote),
    ("<", _opaque),
    ("torch", Word),
    ("word(", lambda text: Word(unquote(text[5:-1]))),
    ("complex(", _complex),
    ("group(", _group),
    ("packed(", _packed),
)
