"""What is to be said of a record."""

from __future__ import annotations


class Told(str):
    """A note that the summary of a session shows, too: of what a record lacks, or does otherwise than the run would.

    Other notes stay with the graph.
    """

    __slots__ = ()
