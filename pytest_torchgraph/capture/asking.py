"""The line of the user's code that an operation is told with, also where the autograd engine asked for it."""

from __future__ import annotations

from pytest_torchgraph.capture.attribution import Link
from pytest_torchgraph.capture.operation import Entry
from pytest_torchgraph.capture.phase import Stretch
from pytest_torchgraph.capture.source import Frame
from pytest_torchgraph.recorded.operation import SourceLine
from pytest_torchgraph.recorded.phase import BACKWARD


def frames_of(log: list[Entry], links: list[Link], stretches: list[Stretch]) -> list[Frame]:
    """One line for each entry.

    What the engine asks for is told with the line of the forward operation that caused it; what a hook, a custom
    function or code that runs again asks for, with its own. Wrong for a hook that stands on the very line that begins
    the backward pass.
    """
    begun = {(id(one.frame[0]), one.frame[1]) for one in stretches if one.frame is not None}
    found: list[Frame] = []
    for entry, link in zip(log, links, strict=True):
        frame = entry.frame
        is_caused = link.phase == BACKWARD and link.forward is not None and link.forward < len(found)
        if is_caused and (frame is None or isinstance(frame, SourceLine) or (id(frame[0]), frame[1]) in begun):
            assert link.forward is not None
            frame = found[link.forward]
        found.append(frame)
    return found
