"""Work that takes long, done in a thread of its own that can be given up."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from pytest_torchgraph.analysis.scaling import ByBatch
    from pytest_torchgraph.explorer.subject import Subject
    from pytest_torchgraph.recorded.activation import Values

T = TypeVar("T")
SWITCH = 0.001
"""Seconds after which a busy thread lets the interface have its turn; Python's own 0.005 are felt."""


class GivenUp(BaseException):
    """The work is not wanted any more."""


@dataclass(eq=False)
class Job:
    """Work in a thread. ``doing`` says what is done at the moment, ``seen`` how far it is."""

    doing: str = "loading"
    seen: Callable[[], str] = str
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pure_in: int | None = None

    def cancel(self) -> None:
        """Give the work up: at once where nothing has to be put back, else where the work next asks."""
        with self._lock:
            self._cancelled.set()
            if self._pure_in is not None:
                raise_in(self._pure_in)

    def is_cancelled(self) -> bool:
        """Whether the work was given up."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise :class:`GivenUp` where the work was given up."""
        if self.is_cancelled():
            raise GivenUp

    @contextmanager
    def pure(self, doing: str) -> Iterator[None]:
        """Do what changes nothing outside, and so may end anywhere."""
        self.doing = doing
        self.check()
        with self._lock:
            self._pure_in = threading.get_ident()
        try:
            yield
        finally:
            with self._lock:
                self._pure_in = None
        self.check()


def raise_in(thread: int) -> None:
    """Raise :class:`GivenUp` in the Python code that another *thread* runs."""
    api = getattr(ctypes, "pythonapi", None)
    if api is not None:
        api.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(GivenUp))


Stages: TypeAlias = "Callable[[Job], Iterator[Subject]]"
Looking: TypeAlias = "Callable[[Job], Values]"
Growing: TypeAlias = "Callable[[Job], ByBatch]"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a subject comes from: ``stages`` gives it better and better, ``values`` looks at the values of a run.

    ``growth`` records it under fake tensors at several batches.
    """

    title: str
    stages: Stages
    values: Looking | None = None
    growth: Growing | None = None


def started(work: Callable[[], None], failed: Callable[[BaseException], None]) -> threading.Thread:
    """A thread that does *work*; what it raises is given to *failed*."""

    def run() -> None:
        try:
            work()
        except GivenUp:
            return
        except BaseException as error:  # noqa: BLE001 -- told to the user, whatever it is
            if type(error).__name__ != "Cancelled":
                failed(error)

    thread = threading.Thread(target=run, name="torchgraph-explorer", daemon=True)
    thread.start()
    return thread


class Beside:
    """Works something out in a thread; where it is wanted anew before it is done, only the last wish counts."""

    def __init__(self, call_soon: Callable[[Callable[[], None]], None]) -> None:
        self._call_soon = call_soon
        self._number = 0
        self._lock = threading.Lock()

    def work_out(
        self, work: Callable[[], T], done: Callable[[T], None], failed: Callable[[BaseException], None]
    ) -> None:
        """Give what *work* returns to *done*, in the interface's own thread."""
        self._number += 1
        number = self._number

        def is_wanted() -> bool:
            return number == self._number

        def run() -> None:
            with self._lock:
                if is_wanted():
                    found = work()
                    self._call_soon(lambda: done(found) if is_wanted() else None)

        started(run, lambda error: self._call_soon(lambda: failed(error)))

    def forget(self) -> None:
        """Nothing is wanted any more."""
        self._number += 1


@contextmanager
def quick_turns() -> Iterator[None]:
    """Let threads have their turns more often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(SWITCH, before))
    try:
        yield
    finally:
        sys.setswitchinterval(before)
