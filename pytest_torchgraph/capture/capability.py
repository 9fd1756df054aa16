"""What the installed PyTorch offers, probed once and in one place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import FunctionType
from typing import Any, TypeVar

import torch
from torch._C._dynamo import eval_frame

Function = TypeVar("Function", bound=Callable[..., Any])

DYNAMO = "torch._dynamo"
HAS_STANCE = hasattr(torch.compiler, "set_stance")
HAS_FRAME_STRATEGY = hasattr(eval_frame, "set_code_exec_strategy") and hasattr(eval_frame, "_FrameExecStrategy")


def eager_stance() -> AbstractContextManager[object]:
    """A context in which compiled callables run eagerly.

    Tracing a compiled callable under a plain dispatch mode stops it from compiling ever again on PyTorch 2.13
    (pytorch#190286); under this stance it compiles again afterwards. Nothing can be compiled before ``torch._dynamo``
    is loaded, and loading it costs a second, so the stance is taken only then.
    """
    if HAS_STANCE and DYNAMO in sys.modules:
        stance: AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
        return stance
    return nullcontext()


def never_compiled(handler: Function) -> Function:
    """Let ``torch.compile`` leave alone the frames of *handler* and of all that it calls.

    ``torch.cond`` and its like compile in eager mode too; where that is what first loads ``torch._dynamo``, the frames
    of a dispatch handler would be compiled along with the model's. Nothing is wrapped, so nothing is slower.
    """
    if HAS_FRAME_STRATEGY and isinstance(handler, FunctionType):
        skip = eval_frame._FrameAction.SKIP
        eval_frame.set_code_exec_strategy(handler.__code__, eval_frame._FrameExecStrategy(skip, skip))
    return handler
