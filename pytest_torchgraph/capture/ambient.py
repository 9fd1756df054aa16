"""What a run may change around the model: random generators, grad mode, the default dtype."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

import torch


def random_undo() -> Callable[[], None]:
    """What puts back the random state of PyTorch (and its devices in use), Python and NumPy."""
    torch_state = torch.get_rng_state()
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    python_state = random.getstate()
    # A generator that was never loaded has no state to keep.
    numpy = sys.modules.get("numpy.random")
    numpy_state = numpy.get_state() if numpy is not None else None

    def undo() -> None:
        torch.set_rng_state(torch_state)
        if devices is not None:
            torch.cuda.set_rng_state_all(devices)
        random.setstate(python_state)
        if numpy is not None:
            numpy.set_state(numpy_state)

    return undo


def mode_undo() -> Callable[[], None]:
    """What puts back grad mode and the default dtype."""
    grad, dtype = torch.is_grad_enabled(), torch.get_default_dtype()

    def undo() -> None:
        torch._C._set_grad_enabled(grad)
        if torch.get_default_dtype() is not dtype:
            torch.set_default_dtype(dtype)

    return undo
