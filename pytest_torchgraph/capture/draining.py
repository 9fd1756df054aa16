"""A list that becomes another one, without both being there at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

Each = TypeVar("Each")


def drained(values: list[Each]) -> Iterator[Each]:
    """*values* in order, each taken out of the list before it is used."""
    values.reverse()
    while values:
        yield values.pop()
