"""Give up a run that another thread no longer wants, and run as the thread did that asked for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_pre_hook


class Cancelled(BaseException):
    """The run is not wanted any more; no ``except Exception`` of a model keeps it going."""


@contextmanager
def cancellable(is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """Raise :class:`Cancelled` in the next module call after *is_cancelled*; what ran is put back as after any error.

    A backward pass runs to its end.
    """

    def look(*_: Any) -> None:
        if is_cancelled():
            raise Cancelled

    handle = register_module_forward_pre_hook(look)
    try:
        yield
    finally:
        handle.remove()


def modes_here() -> Callable[[], Any]:
    """A context, to be opened in another thread, with the grad and autocast modes of this one."""
    grad, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    casts = [(kind, torch.get_autocast_dtype(kind)) for kind in ("cpu", "cuda") if torch.is_autocast_enabled(kind)]

    @contextmanager
    def entered() -> Iterator[None]:
        with ExitStack() as stack:
            if inference:
                stack.enter_context(torch.inference_mode())
            stack.enter_context(torch.set_grad_enabled(grad))
            for kind, dtype in casts:
                stack.enter_context(torch.autocast(kind, dtype=dtype))
            yield

    return entered
