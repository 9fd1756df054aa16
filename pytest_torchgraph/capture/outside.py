"""Outside of every mode: what the recorder does for itself is seen by no mode, not even by those of the user's code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils._python_dispatch import _disable_current_modes


@contextmanager
def outside_modes() -> Iterator[None]:
    """Run on plain kernels: no dispatch or function mode, no function of a tensor's class, no gradients.

    In a dispatch handler the modes below it are still active: those that were entered before the recording began, or
    inside the model.
    """
    with torch._C.DisableTorchFunction(), _disable_current_modes(), torch.no_grad():
        yield
