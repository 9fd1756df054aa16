"""The terminal behind pytest's capture, for the progress of long recordings."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TextIO

import pytest

STDERR = 2
TERMINAL = pytest.StashKey[TextIO]()


def keep(config: pytest.Config) -> None:
    """Keep a handle on the terminal, if stderr is one; pytest captures only what goes through its own."""
    if hasattr(config, "workerinput") or not _is_terminal():
        return
    stream = os.fdopen(os.dup(STDERR), "w", encoding="utf-8", errors="replace")
    config.stash[TERMINAL] = stream
    config.add_cleanup(stream.close)


def _is_terminal() -> bool:
    try:
        return os.isatty(STDERR)
    except OSError:
        return False


def progress(config: pytest.Config) -> AbstractContextManager[None]:
    """A context in which long recordings tell on the terminal how far they are."""
    stream = config.stash.get(TERMINAL, None)
    if stream is None:
        return nullcontext()
    from pytest_torchgraph.capture.progress import shown_on

    return shown_on(stream)
