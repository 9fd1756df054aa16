"""A line on the terminal while something takes long: operations seen, the module at work, seconds."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO, TypeAlias

from pytest_torchgraph.words.counting import times

AFTER, EVERY = 2.0, 0.5
"""Seconds until the line is first shown, and between two of it."""
SAVE, RESTORE, ERASE = "\x1b7", "\x1b8", "\x1b[K"
WITHOUT_WRAP, WITH_WRAP = "\x1b[?7l", "\x1b[?7h"

Seen: TypeAlias = Callable[[], tuple[int, str]]

_streams: list[TextIO] = []


class End(Protocol):
    """What is waited for; ``threading.Event`` is one."""

    def wait(self, timeout: float | None = None) -> bool:
        """Whether the end came within *timeout* seconds."""
        ...


@contextmanager
def shown_on(stream: TextIO) -> Iterator[None]:
    """Show progress on *stream* in the context: the terminal, where ``sys.stderr`` is captured."""
    _streams.append(stream)
    try:
        yield
    finally:
        _streams.remove(stream)


@contextmanager
def progress(seen: Seen, doing: str = "recording") -> Iterator[None]:
    """Tell what *seen* gives (operations, path of a module) as long as the context is open; only on a terminal.

    A thread does it, so that nothing is added to the run; without a terminal there is none.
    """
    stream = _streams[-1] if _streams else sys.stderr
    if not is_terminal(stream):
        yield
        return
    end = threading.Event()
    teller = threading.Thread(
        target=tell, args=(stream, seen, end), kwargs={"doing": doing}, name="torchgraph-progress", daemon=True
    )
    teller.start()
    try:
        yield
    finally:
        end.set()
        teller.join()


def is_terminal(stream: TextIO | None) -> bool:
    """Whether *stream* shows what is written at once and can take it back."""
    try:
        return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:  # closed
        return False


def tell(
    stream: TextIO, seen: Seen, end: End, clock: Callable[[], float] = time.monotonic, doing: str = "recording"
) -> None:
    """Write and rewrite the line until *end*, then take it back; the cursor stays where it was."""
    begun = clock()
    if end.wait(AFTER):
        return
    while True:
        write(stream, f"{SAVE}{WITHOUT_WRAP}  {line(*seen(), clock() - begun, doing)}{ERASE}{WITH_WRAP}{RESTORE}")
        if end.wait(EVERY):
            break
    write(stream, ERASE)


def line(operations: int, path: str, seconds: float, doing: str = "recording") -> str:
    """``recording: 12,345 operations, in layers.3.attn, 4 s``."""
    place = f", in {path}" if path.isprintable() and path else ""
    return f"{doing}: {times(operations, 'operation', ',')}{place}, {seconds:.0f} s"


def write(stream: TextIO, text: str) -> None:
    """Write at once; a terminal that is gone is no reason to fail."""
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        return
