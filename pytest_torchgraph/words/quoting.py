"""Names and strings: which stand as they are, and how the others are quoted."""

from __future__ import annotations

import re
from functools import lru_cache

METHODS = ("transpose", "permute", "expand", "unflatten", "as_strided", "view", "conj", "neg")
PATH = r"(?:/|(?:\.\./)+)?"
# A reading method after a value (`%layers.0.view(f32)`) must never be taken for a part of the name.
NAME = rf"{PATH}\w+(?:\.(?!T\b|(?:{'|'.join(METHODS)})\()\w+)*"
QUOTED = r'"(?:[^"\\]|\\.)*"'
QUOTED_STRING = r"'(?:[^'\\]|\\.)*'"

_is_name = re.compile(NAME, re.ASCII).fullmatch
_UNSAFE = re.compile(
    "[\\\\\x00-\x1f\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ud800-\udfff\ufeff\U000e0000-\U000e007f]"
)
_ESCAPED = re.compile(r"\\(?:u\{([0-9a-f]+)\}|(.))", re.DOTALL)


def quote(text: str, mark: str = '"') -> str:
    """*text* between two *mark*, on one line: what is invisible is written as its code point."""
    safe = _UNSAFE.sub(lambda found: "\\\\" if found[0] == "\\" else f"\\u{{{ord(found[0]):x}}}", text)
    return f"{mark}{safe.replace(mark, chr(92) + mark)}{mark}"


def unquote(text: str) -> str:
    """What :func:`quote` was given."""
    if "\\" not in text:
        return text[1:-1]
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text[1:-1])


@lru_cache(maxsize=4096)
def name_text(name: str) -> str:
    """A dotted name as it stands, or quoted when it is none."""
    return name if _is_name(name) else quote(name)


def name_of(text: str) -> str:
    """The name that :func:`name_text` wrote."""
    return unquote(text) if text.startswith('"') else text


def rest_text(text: str) -> str:
    """Free text up to the end of a line; quoted when a line could not hold it as it is."""
    plain = text and text == text.strip() and not text.startswith('"') and not _UNSAFE.search(text)
    return text if plain else quote(text)


def rest_of(text: str) -> str:
    """The free text that :func:`rest_text` wrote."""
    return unquote(text) if text.startswith('"') else text
