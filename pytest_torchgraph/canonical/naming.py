"""Names of the values in one body, given by position and found again by the same rule, in files and in reports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from pytest_torchgraph.canonical.program import AnyBlock, Block, Given, Item, RecomputedCall, Work
from pytest_torchgraph.canonical.scope import AGAIN, Turn
from pytest_torchgraph.words.quoting import name_text

SHORT_CALLS = {"scaled_dot_product_attention": "sdpa"}
_not_word = re.compile(r"\W", re.ASCII)


class Wish(NamedTuple):
    """The word an item would be called by; a *fixed* one (of a scope or an input) is given out before the others."""

    word: str
    fixed: bool


def wish(item: Item) -> Wish:
    """What *item* would be called: a scope and an input as they are named, an operation by its packet."""
    if isinstance(item, Work):
        return operation_wish(item.name)
    if isinstance(item, Block):
        return Wish(block_text(item), True)
    if isinstance(item, Given):
        return Wish(name_text(item.name), True) if item.name else Wish(item.kind, False)
    return Wish(semantic_word(item.name), False)


@lru_cache(maxsize=4096)
def operation_wish(name: str) -> Wish:
    """What the value of an operation would be called."""
    return Wish(value_word(name), False)


@lru_cache(maxsize=4096)
def value_word(name: str) -> str:
    """What the value of an operation is called: its packet."""
    parts = name.split(".")
    return _not_word.sub("_", parts[-2] if len(parts) > 2 else parts[-1]) or "_"


def semantic_word(name: str) -> str:
    """What the value of an API call is called: the last word of its name, in its short form."""
    word = name.rpartition(".")[2]
    return _not_word.sub("_", SHORT_CALLS.get(word, word)) or "_"


def turn_of(block: AnyBlock) -> Turn:
    """Which call of its name *block* is."""
    return Turn(block.call, again=isinstance(block, RecomputedCall))


def block_text(block: AnyBlock) -> str:
    """What *block* is called in its body, as a module call or as a phase."""
    return scope_text(block.name, turn_of(block))


def scope_text(name: str, turn: Turn) -> str:
    """``layers.0``, ``layers.0#2`` for its second call; ``layers.0#again``, ``#again`` when it is recomputed."""
    return f"{name_text(name) if name or not turn.again else ''}{turn}"


def turn_from(text: str | None) -> Turn:
    """The turn that stands behind a name in a file, without its ``#``."""
    if text is None or not text.startswith(AGAIN):
        return Turn(int(text or 1))
    return Turn(int(text.removeprefix(AGAIN) or 1), again=True)


def value_names(wishes: Iterable[Wish]) -> list[str]:
    """One name for each item, no two alike: ``mul``, ``mul_1``, …; fixed words are given out first.

    ``in0``, ``in1``, … are never given: they are the inputs of the body.
    """
    asked = list(wishes)
    names = [""] * len(asked)
    taken: set[str] = set()
    following: dict[str, int] = {}
    for fixed in (True, False):
        for index, (word, is_fixed) in enumerate(asked):
            if is_fixed is fixed:
                names[index] = _free(word, taken, following)
    return names


def is_input(name: str) -> bool:
    """Whether *name* is that of a body's input."""
    return name.startswith("in") and name[2:].isdecimal()


def _free(word: str, taken: set[str], following: dict[str, int]) -> str:
    count = following.get(word, 0)
    name = f"{word}_{count}" if count else word
    while name in taken or (name.startswith("in") and is_input(name)):
        count += 1
        name = f"{word}_{count}"
    following[word] = count + 1
    taken.add(name)
    return name
