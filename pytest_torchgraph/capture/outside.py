"""Outside of every mode: what the recorder does for itself is seen by no mode, not even by those of the user's code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils import _python_dispatch

DISPATCH: Any = _python_dispatch


class OutsideModes:
    """Runs on plain kernels: no dispatch or function mode, no function of a tensor's class, no gradients.

    In a dispatch handler the modes below it are still active: those that were entered before the recording began, or
    inside the model. Made for every tensor that an optimizer writes to, so nothing is a generator here, and nothing is
    put aside that is not there: PyTorch takes as long to find that out as to copy a small tensor.

    What is taken off the stack is ``held``: PyTorch 2.9 deletes a mode that nothing but the stack holds, and then
    returns it.
    """

    __slots__ = ("functions", "grad", "held", "modes")

    def __enter__(self) -> None:
        self.modes: Any = DISPATCH._disable_current_modes() if is_any_active() else None
        if self.modes is not None:
            self.held = DISPATCH._get_current_dispatch_mode_stack()
            self.modes.__enter__()
        self.functions: Any = torch._C.DisableTorchFunction()
        self.functions.__enter__()
        self.grad = torch.is_grad_enabled()
        torch._C._set_grad_enabled(False)

    def __exit__(self, *raised: object) -> None:
        torch._C._set_grad_enabled(self.grad)
        self.functions.__exit__(*raised)
        if self.modes is not None:
            self.modes.__exit__(*raised)


outside_modes = OutsideModes


@contextmanager
def without_dispatch_modes() -> Iterator[None]:
    """No dispatch mode is active while the context is open; gradients and function modes are as they were."""
    held = DISPATCH._get_current_dispatch_mode_stack()
    with DISPATCH._disable_current_modes():
        yield
    del held


def is_any_active() -> bool:
    """Whether a dispatch mode is active, on the ordinary stack or on that before dispatch."""
    before_dispatch: Any = torch._ops.mode_stack_state_for_pre_dispatch()
    return bool(DISPATCH._len_torch_dispatch_stack() or before_dispatch.count())
