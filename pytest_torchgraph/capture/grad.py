"""Grad mode while recording: inference mode acts as ``no_grad``, whose operations are the ones that are compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.grad_mode import inference_mode


class InferenceUse:
    """Whether the user's code asked for inference mode."""

    def __init__(self) -> None:
        self.asked = torch.is_inference_mode_enabled()


@contextmanager
def without_inference_mode() -> Iterator[InferenceUse]:
    """Run as ``no_grad`` wherever inference mode is, or is entered inside.

    Inference mode skips autograd's keys, so composite operations would arrive whole and differ from every other run.
    """
    use = InferenceUse()
    enter, leave = inference_mode.__enter__, inference_mode.__exit__

    def enter_no_grad(self: Any) -> None:
        if not self.mode:  # it also lets autograd see what runs below it: fake tensors are made from parameters so
            return enter(self)
        use.asked = True
        self._grad_before = torch.is_grad_enabled()
        torch._C._set_grad_enabled(False)
        return None

    def leave_no_grad(self: Any, *raised: Any) -> None:
        if not self.mode:
            return leave(self, *raised)
        torch._C._set_grad_enabled(self._grad_before)
        return None

    with ExitStack() as stack:
        if use.asked:
            stack.enter_context(inference_mode(mode=False))
            stack.enter_context(torch.no_grad())
        try:
            inference_mode.__enter__ = enter_no_grad  # type: ignore[method-assign]
            inference_mode.__exit__ = leave_no_grad  # type: ignore[method-assign]
            yield use
        finally:
            inference_mode.__enter__ = enter  # type: ignore[method-assign]
            inference_mode.__exit__ = leave  # type: ignore[method-assign]


def ordinary(tensor: Tensor) -> Tensor:
    """*tensor*, or its clone when it was made under inference mode: only the clone may be written outside it."""
    if not tensor.is_inference():
        return tensor
    with inference_mode(mode=False):
        return tensor.clone()


def make_buffers_ordinary(modules: list[tuple[str, nn.Module]]) -> None:
    """Put ordinary tensors in place of the buffers of *modules*; one that several modules hold stays one."""
    plain = [module for _, module in modules if not isinstance(module, torch.jit.ScriptModule)]
    held = [(module._buffers, dict(module._buffers)) for module in plain if module._buffers]
    ordinaries = {id(buffer): ordinary(buffer) for _, kept in held for buffer in kept.values() if buffer is not None}
    for registry, kept in held:
        registry.update({name: None if buffer is None else ordinaries[id(buffer)] for name, buffer in kept.items()})
