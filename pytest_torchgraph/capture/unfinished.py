"""A model's call, refused where it returns before it ran."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from pytest_torchgraph.capture.target import Target


def called(target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What the target returns."""
    assert target.function is not None
    output = target.function(*args, **kwargs)
    refuse_unfinished(output, target.class_name)
    return output


def refuse_unfinished(output: Any, name: str) -> None:
    """Raise ``TypeError`` when the model returned before it ran: its operations would be missed."""
    for is_unfinished, kind, instead in UNFINISHED:
        if is_unfinished(output):
            if inspect.iscoroutine(output):
                output.close()
            raise TypeError(
                f"{name} returned {kind}: nothing of it has run yet, so there is nothing to record. "
                f"Pass a callable that runs it: {instead}."
            )


UNFINISHED: tuple[tuple[Callable[[Any], bool], str, str], ...] = (
    (inspect.isgenerator, "a generator", "lambda *args: list(model(*args))"),
    (inspect.iscoroutine, "a coroutine", "lambda *args: asyncio.run(model(*args))"),
    (inspect.isasyncgen, "an asynchronous generator", "a function that iterates over it"),
)
