"""Libraries that ask whether they are traced: under fake tensors they are told so, and may compute otherwise."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch._subclasses.fake_tensor import FakeTensor

from pytest_torchgraph.recorded.note import Told

QUESTIONS = (("transformers.utils.import_utils", "is_fake_tensor"),)
"""Functions that libraries ask about a tensor, by module."""
OTHERWISE = (("torch.nn.functional", "one_hot"),)
"""Functions that compute fake tensors by other operations than real ones."""


@contextmanager
def answering(notes: dict[str, None]) -> Iterator[None]:
    """While the context is open, a fake tensor whose values are known counts as real; any other answer is noted."""
    replaced: list[tuple[Any, str, Any]] = []
    for module, name in (*QUESTIONS, *OTHERWISE):
        owner = sys.modules.get(module)
        plain = getattr(owner, name, None)
        if plain is not None:
            replaced.append((owner, name, plain))
            setattr(owner, name, (answer if (module, name) in QUESTIONS else noting)(plain, notes))
    try:
        yield
    finally:
        for owner, name, plain in replaced:
            setattr(owner, name, plain)


def answer(asked: Callable[[Any], bool], notes: dict[str, None]) -> Callable[[Any], bool]:
    """What answers in the place of *asked*."""

    def is_fake(value: Any) -> bool:
        if isinstance(value, FakeTensor) and value.constant is not None:
            return False
        is_fake = asked(value)
        if is_fake:
            told = f"fake run: {asker()} asks whether it is traced, and may compute otherwise than in a real run"
            notes[Told(told)] = None
        return is_fake

    return is_fake


def noting(plain: Callable[..., Any], notes: dict[str, None]) -> Callable[..., Any]:
    """*plain*, noting that it computes otherwise."""

    @functools.wraps(plain)
    def called(*args: Any, **kwargs: Any) -> Any:
        out = plain(*args, **kwargs)
        notes[Told(f"fake run: {plain.__name__} computes fake tensors by other operations than real ones")] = None
        return out

    return called


def asker() -> str:
    """The module whose function asks, seen from the function that answers it."""
    frame: Any = sys._getframe(2)
    modules = {module for module, _ in QUESTIONS}
    while frame is not None and frame.f_globals.get("__name__") in modules:
        frame = frame.f_back
    return "the model" if frame is None else str(frame.f_globals.get("__name__"))
