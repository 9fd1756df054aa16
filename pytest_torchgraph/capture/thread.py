"""Operations of threads that the model starts: a dispatch mode is a thread's own, so each thread must enter it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.utils._python_dispatch import TorchDispatchMode


@contextmanager
def in_every_thread(mode: TorchDispatchMode) -> Iterator[None]:
    """Let every thread that starts while the context is open run under *mode*."""
    plain_run = threading.Thread.run

    def run(self: threading.Thread) -> None:
        with mode:
            plain_run(self)

    threading.Thread.run = run  # type: ignore[method-assign]
    try:
        yield
    finally:
        threading.Thread.run = plain_run  # type: ignore[method-assign]
