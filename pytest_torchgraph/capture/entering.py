"""Entering the recorder's mode and leaving it, whatever else the model leaves on the stack of dispatch modes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch.utils import _python_dispatch
from torch.utils._python_dispatch import TorchDispatchMode

from pytest_torchgraph.capture.fake import fake_mode

if TYPE_CHECKING:
    from torch import Tensor

    from pytest_torchgraph.capture.operation import OperationMode

STACK: Any = _python_dispatch


class RecorderRemoved(RuntimeError):
    """The model took the recorder off the stack of dispatch modes: what came after is not recorded."""


@contextmanager
def entered(mode: OperationMode) -> Iterator[list[str]]:
    """Run under *mode*, and take no other off the stack afterwards; yields what is to be said of the stack then."""
    notes: list[str] = []
    mode.__enter__()
    try:
        yield notes
    except BaseException:
        leave(mode)
        raise
    above = leave(mode)
    if above is None:
        raise RecorderRemoved(
            "the model took the recorder off the stack of dispatch modes, so what it did afterwards is not recorded: "
            "it leaves a mode that it did not enter"
        )
    notes += [f"the model leaves the dispatch mode {type(one).__name__} open" for one in above]


def leave(mode: OperationMode) -> list[Any] | None:
    """Take *mode* off the stack and nothing else; returns the modes above it, ``None`` where it is not there.

    Each mode puts back, when it is left, what PyTorch knew of modes when it was entered: those above are entered anew,
    as if *mode* had never been beneath them, or PyTorch would take itself to be inside a mode for good.
    """
    stack = STACK._get_current_dispatch_mode_stack()
    places = [place for place, one in enumerate(stack) if one is mode]
    if not places:
        if _is_entered(mode):
            STACK._push_mode(mode)
            mode.__exit__(None, None, None)
        return None
    above: list[Any] = stack[places[-1] + 1 :]
    entered_so = [_is_entered(one) for one in above]
    for one in reversed(above):
        _come_off(one)
    mode.__exit__(None, None, None)
    for one, was_entered in zip(above, entered_so, strict=True):
        if was_entered:
            TorchDispatchMode.__enter__(one)
        else:
            STACK._push_mode(one)
    return above


def _is_entered(mode: Any) -> bool:
    """Whether *mode* was entered, and not only pushed."""
    return bool(getattr(mode, "old_dispatch_mode_flags", ()))


def _come_off(mode: Any) -> None:
    """Take *mode* off the top of the stack; what its own class does besides is not done."""
    if _is_entered(mode):
        TorchDispatchMode.__exit__(mode, None, None, None)
    else:
        STACK._pop_mode()


def require_fake(named: Iterable[tuple[str, Tensor]]) -> None:
    """Raise ``TypeError`` where a mode of fake tensors is active that refuses the real ones among *named*."""
    mode: Any = fake_mode()
    if mode is None or mode.allow_non_fake_inputs:
        return
    real = [name for name, tensor in named if not (tensor.is_meta or hasattr(tensor, "fake_mode"))]
    if real:
        raise TypeError(
            f"a FakeTensorMode is active, and {real[0]} is a real tensor: leave the mode to record a real run, or make "
            "model and inputs inside of it, or open it with allow_non_fake_inputs=True"
        )
