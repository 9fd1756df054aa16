"""What other tools do with the same model, as far as they are installed."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from torch.distributed._tools.mem_tracker import MemTracker
from torch.utils._debug_mode import DebugMode
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    import torch

Work = Callable[[], Any]


def flop_counter(work: Work, _: torch.nn.Module, __: Any) -> None:
    """PyTorch's FLOPs by module."""
    with FlopCounterMode(display=False):
        work()


def debug_mode(work: Work, _: torch.nn.Module, __: Any) -> None:
    """PyTorch's log of operations."""
    with DebugMode():
        work()


def mem_tracker(work: Work, model: torch.nn.Module, _: Any) -> None:
    """PyTorch's bytes by category and module."""
    tracker = MemTracker()
    tracker.track_external(model)
    with tracker:
        work()


def torchinfo(_: Work, model: torch.nn.Module, inputs: Any) -> None:
    """A table of layers."""
    options = {"verbose": 0, "mode": "train" if model.training else "eval"}
    importlib.import_module("torchinfo").summary(model, input_data=inputs, **options)


def torchview(_: Work, model: torch.nn.Module, inputs: Any) -> None:
    """A picture of modules and tensors."""
    importlib.import_module("torchview").draw_graph(model, input_data=inputs, depth=20)


def torchlens(_: Work, model: torch.nn.Module, inputs: Any) -> None:
    """A log of every operation of the forward pass, without the values."""
    lens = importlib.import_module("torchlens")
    if isinstance(inputs, Mapping):
        lens.trace(model, (), dict(inputs))
    else:
        lens.trace(model, inputs)


OF_A_STEP = {"FlopCounterMode": flop_counter, "DebugMode": debug_mode, "MemTracker": mem_tracker}
OF_A_CALL = {**OF_A_STEP, "torchinfo": torchinfo, "torchview": torchview}
LEAVES_OBJECTS = {"TorchLens": torchlens}
"""Leaves so many objects behind that Python's collector slows down whatever runs after it in the same process."""


def works(tool: Callable[..., None], work: Work, model: torch.nn.Module, inputs: Any) -> str:
    """Empty when *tool* runs here; else why it does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tool(work, model, inputs)
        except Exception as error:  # noqa: BLE001 -- any tool may fail in any way; the table says so
            return type(error).__name__
    return ""
