"""How many there are of something, in words."""

from __future__ import annotations

from collections.abc import Sequence


def times(count: int, noun: str, form: str = "") -> str:
    """``1 call``, ``4 calls``, ``2 copies``; *form* writes the number: ``,`` as in ``1,024``, ``+d`` as in ``+1``."""
    return f"{count:{form}} {numbered(count, noun)}"


def numbered(count: int, noun: str) -> str:
    """``call`` for one, ``calls`` for any other *count*."""
    return noun if abs(count) == 1 else _plural(noun)


def _plural(noun: str) -> str:
    if noun.endswith("y"):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


def listed(names: Sequence[str], most: int) -> str:
    """``a, b, …``: *names*, at most so many of them."""
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
