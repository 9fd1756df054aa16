"""Control flow of ``torch.cond``, ``while_loop``, ``scan`` and ``map``: what it runs is recorded, as Python runs it.

Uncompiled, PyTorch compiles these operators for itself, so that gradients reach what their functions close over. The
recorder lets nothing compile; handed on as they are, the operators would run out of its sight and without gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch._C import DispatchKey
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import _get_current_dispatch_mode
from torch.utils._pytree import tree_leaves

from pytest_torchgraph.capture.operation import OperationMode

OPERATORS: Any = torch.ops.higher_order
AUTOGRAD, DENSE = DispatchKey.Autograd, DispatchKey.CompositeExplicitAutograd


@contextmanager
def control_flow_in_sight(*, fake: bool) -> Iterator[None]:
    """Let control flow that nothing but the recorder looks at run open, while the context is open.

    Whatever traces (an export, a proxy mode) sees the operator as ever, and so do fake tensors, but in a *fake* run:
    that chooses a branch where it knows the value.
    """
    kernels = [(operator, operator.py_kernels[AUTOGRAD], run) for operator, run in open_kernels()]
    try:
        for operator, plain, run in kernels:
            register(operator, opened(plain, run, fake=fake))
        yield
    finally:
        for operator, plain, _ in kernels:
            register(operator, plain)


def open_kernels() -> Iterator[tuple[Any, Callable[..., Any]]]:
    """Each operator, and what runs it in plain Python; those of ``cond`` and ``scan`` refuse to run under a mode."""
    yield OPERATORS.cond, branched
    yield OPERATORS.scan, scanned
    for operator in (OPERATORS.while_loop, OPERATORS.map_impl):
        yield operator, operator.py_kernels[DENSE]


def register(operator: Any, kernel: Callable[..., Any]) -> None:
    """Make *kernel* the one that *operator* calls first; it keeps what it called before."""
    operator.py_kernels[AUTOGRAD] = kernel
    operator._dispatch_cache.clear()


def opened(plain: Callable[..., Any], run: Callable[..., Any], *, fake: bool) -> Callable[..., Any]:
    """*run* where the recorder is the innermost mode and no tensor is there for tracing, else *plain*."""

    def kernel(*args: Any, **kwargs: Any) -> Any:
        is_ours = isinstance(_get_current_dispatch_mode(), OperationMode)
        is_traced = not fake and any(isinstance(one, FakeTensor) for one in tree_leaves((args, kwargs)))
        return run(*args, **kwargs) if is_ours and not is_traced else plain(*args, **kwargs)

    return kernel


def branched(pred: Any, true_fn: Callable[..., Any], false_fn: Callable[..., Any], operands: Any) -> Any:
    """The branch of ``torch.cond`` that is taken."""
    return (true_fn if pred else false_fn)(*operands)


def scanned(combine_fn: Callable[..., Any], init: Any, xs: Any, additional_inputs: Any) -> Any:
    """Every step of ``scan``."""
    from torch._higher_order_ops.scan import generic_scan

    return generic_scan(combine_fn, init, xs, additional_inputs=additional_inputs)
