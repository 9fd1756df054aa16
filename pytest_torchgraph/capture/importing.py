"""Modules that a run imports: what they leave behind in cycles must not keep the run's tensors alive."""

from __future__ import annotations

import gc
import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Depth(threading.local):
    """How many imports are open inside one another, on each thread."""

    imports = 0


@contextmanager
def imports_swept(imported: Callable[[], None]) -> Iterator[None]:
    """Free the cycles that an import leaves, while the collector is paused.

    A module that catches an exception and keeps it leaves frames in a cycle, and a frame keeps all frames that it was
    called from, down to the model's own with the tensors in them. Everything older is out of the collector's reach
    while it sweeps (``gc.freeze``), so that the model's own cycles live as long as in a run that imports nothing.
    *imported* is called after each import.
    """
    bootstrap: Any = importlib._bootstrap
    plain = bootstrap._find_and_load
    depth = Depth()

    def find_and_load(name: str, import_: Any) -> Any:
        if not depth.imports:
            gc.freeze()
        depth.imports += 1
        try:
            return plain(name, import_)
        finally:
            depth.imports -= 1
            if not depth.imports:
                gc.collect()
                gc.unfreeze()
                imported()

    bootstrap._find_and_load = find_and_load
    try:
        yield
    finally:
        bootstrap._find_and_load = plain
