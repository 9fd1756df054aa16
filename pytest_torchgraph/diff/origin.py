"""Which forward work of the graph after backward work of the graph before was for."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_torchgraph.diff.change import first_source
from pytest_torchgraph.diff.matching import Matching
from pytest_torchgraph.diff.tree import Body, Made, Place


def forward_source(matching: Matching, body: Body, at: int) -> int | None:
    """Position in the live graph after of what the backward work at *at* was for, where that is known.

    That is what made a value of the same forward call that it read, or what read the value there; else the call.
    """
    found = (matching.forward[place] for place in _candidates(matching, body, at) if place in matching.forward)
    bodies = matching.after.tree.bodies
    sources = (first_source(bodies[number].record.items[position]) for number, position in found)
    return next((source for source in sources if source is not None), None)


def _candidates(matching: Matching, body: Body, at: int) -> Iterator[Place]:
    call = (body.inner.get(at) or body).forward
    if call is None or body.forward is body:
        return
    keys = matching.before
    read = dict.fromkeys(read.definition for read in keys.reads(body.number, at))
    yield from ((made.body, made.item) for made in read if isinstance(made, Made) and made.body == call.number)
    readers = keys.first_readers(call.number)
    yield from ((call.number, readers[each]) for each in read if each in readers)
    if call.outer is not None:
        yield call.outer.number, call.position
