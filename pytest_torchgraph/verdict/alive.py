"""What is alive at the peak on both sides, kind by kind."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.canonical.alive import OTHERS, Alive


def paired(before: tuple[Alive, ...], after: tuple[Alive, ...]) -> Iterator[tuple[Alive, Alive]]:
    """The same values on both sides, with nothing on the side that does not have them.

    A value too small for a line of its own is among the others, and so is left out where it could be.
    """
    left, right = ({one.what: one for one in side} for side in (before, after))
    for what in {**right, **left}:
        one, other = left.get(what), right.get(what)
        if what == OTHERS or (one is None and hides(before, other)) or (other is None and hides(after, one)):
            continue
        yield one or Alive(0, 0, what), other or Alive(0, 0, what)


def hides(side: tuple[Alive, ...], missing: Alive | None) -> bool:
    """Whether *missing* could be among the others of *side*."""
    told = [one.bytes for one in side if one.what != OTHERS]
    return missing is not None and len(told) < len(side) and missing.bytes <= min(told, default=0)
