"""Python's garbage collector, out of the way."""

from __future__ import annotations

import gc


class CollectorPaused:
    """Lets only reference counts free memory, as long as the context is open.

    While a model is recorded, its bytes are then the same every time. Where a hundred thousand records are made,
    looking for cycles, of which there are none, would take half of the time.

    No generator makes this context: leaving one makes objects, at the first of which Python would look through all that
    was made meanwhile, before whoever opened the context could let go of it.
    """

    __slots__ = ("was_enabled",)

    def __enter__(self) -> None:
        self.was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self.was_enabled:
            gc.enable()


collector_paused = CollectorPaused
