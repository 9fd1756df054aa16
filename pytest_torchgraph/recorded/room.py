"""Room for the frames of what calls many functions.

CPython keeps frames in pieces of 16 KiB. A loop that happens to call at the end of one gets a new piece from the
operating system and gives it back at every call: a run or a comparison then takes up to twice as long, at some depths
of the stack and not at others, and no line of Python says why. A frame that asks for more than a piece holds gets a
piece twice as large for itself, and what it calls finds its place in there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")
SLOTS = 1 << 15
"""As many values as the frame claims to need; the half of its piece that is left holds some hundred frames."""


def roomy(call: Callable[[], Result]) -> Result:
    """What *call* returns, run where there is room for its frames."""
    __tracebackhide__ = True
    return call()


roomy.__code__ = roomy.__code__.replace(co_stacksize=SLOTS)
