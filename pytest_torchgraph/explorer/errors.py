"""What cannot be explored, and why."""

from __future__ import annotations

import sys
from importlib.util import find_spec


class CannotExplore(RuntimeError):
    """One sentence that says what happened, and what to do."""


MISSING = "the explorer needs Textual: pip install 'pytest-torchgraph[explorer]'"
NO_TERMINAL = (
    "the explorer needs a terminal, and this is none (a pipe, a file, or a notebook). "
    "export_model_summary(model) and 'torchgraph analyze' tell a model in text."
)


def require_terminal() -> None:
    """Raise :class:`CannotExplore` where Textual is not installed or keys cannot be read."""
    if find_spec("textual") is None:
        raise CannotExplore(MISSING)
    streams = (sys.__stdin__, sys.__stdout__)
    if not all(stream is not None and not stream.closed and stream.isatty() for stream in streams):
        raise CannotExplore(NO_TERMINAL)
