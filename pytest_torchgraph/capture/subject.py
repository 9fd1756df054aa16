"""What is to be run, and the context in which each run of it is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

Running: TypeAlias = "Callable[[], AbstractContextManager[Iterable[str]]]"


def nothing_noted() -> AbstractContextManager[Iterable[str]]:
    """The context of a run on real tensors."""
    return nullcontext(())


@dataclass(frozen=True)
class Subject:
    """A model, its inputs and its optimizer, and the context in which each run is recorded: it yields notes."""

    model: Callable[..., Any]
    args: Any
    kwargs: Mapping[str, Any] | None
    optimizer: Any
    running: Running
