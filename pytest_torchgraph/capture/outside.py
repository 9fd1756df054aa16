"""Outside of every mode: what the recorder does for itself is seen by no mode, not even by those of the user's code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch.utils import _python_dispatch

DISPATCH: Any = _python_dispatch


@contextmanager
def outside_modes() -> Iterator[None]:
    """Run on plain kernels: no dispatch or function mode, no function of a tensor's class, no gradients.

    In a dispatch handler the modes below it are still active: those that were entered before the recording began, or
    inside the model.
    """
    # Mostly there is none, and PyTorch takes as long to find that out as to copy a small tensor.
    aside = DISPATCH._disable_current_modes() if is_any_active() else nullcontext()
    with torch._C.DisableTorchFunction(), aside, torch.no_grad():
        yield


def is_any_active() -> bool:
    """Whether a dispatch mode is active, on the ordinary stack or on that before dispatch."""
    before_dispatch: Any = torch._ops.mode_stack_state_for_pre_dispatch()
    return bool(DISPATCH._len_torch_dispatch_stack() or before_dispatch.count())
