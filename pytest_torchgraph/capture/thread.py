"""Operations of threads that the model starts: a dispatch mode is a thread's own, so each thread must enter it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.capture.fake import fake_mode
from pytest_torchgraph.capture.operation import number_elsewhere

if TYPE_CHECKING:
    from pytest_torchgraph.capture.operation import OperationMode


@contextmanager
def in_every_thread(mode: OperationMode) -> Iterator[None]:
    """Let every thread that starts while the context is open run under *mode*, in the module call that started it.

    A mode of fake tensors is a thread's own too.
    """
    beneath: Any = fake_mode() or nullcontext()
    plain_start, plain_run = threading.Thread.start, threading.Thread.run
    started_in: weakref.WeakKeyDictionary[threading.Thread, int] = weakref.WeakKeyDictionary()

    def start(self: threading.Thread) -> None:
        started_in[self] = mode.where.scope
        plain_start(self)

    def run(self: threading.Thread) -> None:
        mode.where.scope = started_in.get(self, 0)
        mode.where.number = number_elsewhere
        with beneath, mode:
            plain_run(self)

    threading.Thread.start = start  # type: ignore[method-assign]
    threading.Thread.run = run  # type: ignore[method-assign]
    try:
        yield
    finally:
        threading.Thread.start = plain_start  # type: ignore[method-assign]
        threading.Thread.run = plain_run  # type: ignore[method-assign]
