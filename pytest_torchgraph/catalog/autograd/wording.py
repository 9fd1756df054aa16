"""One sentence out of a comment or a docstring."""

from __future__ import annotations

import re

MARK = re.compile(r"^\s*(?:/{2,}!?|/\*+!?|\*+/|\*+|#+)?\s?")
RULE = re.compile(r"^[\s~=\-*/+_^!]*$")
END = re.compile(r"(?<=[.!?])(?:\s|$)(?=[A-Z`(\[]|$)")
NO_SUMMARY = re.compile(
    r"@generated|copyright|nolint|clang-format|mypy:|\bTODO\b|\bFIXME\b|\bXXX\b|pragma|required for|"
    r"license|flake8|pyre|ruff",
    re.IGNORECASE,
)
LIMIT = 200


def first_sentence(text: str) -> str:
    """The first sentence of *text*, at most :data:`LIMIT` characters; empty where it says nothing about the code."""
    words: list[str] = []
    for line in text.splitlines():
        plain = MARK.sub("", line).removesuffix("*/").strip()
        if not RULE.match(plain):
            words.append(plain)
        elif words and not _is_title(words):
            break
        else:
            words.clear()
    sentence = END.split(" ".join(" ".join(words).split()), maxsplit=1)[0]
    if NO_SUMMARY.search(sentence):
        return ""
    return sentence if len(sentence) <= LIMIT else f"{sentence[:LIMIT].rsplit(' ', 1)[0]} …"


def _is_title(words: list[str]) -> bool:
    """A heading of one line above a rule, ``Note [Hooks]`` or ``Engine``."""
    return len(words) == 1 and words[0][-1:] not in ".!?:"
