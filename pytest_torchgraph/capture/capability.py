"""What the installed PyTorch offers, probed once and in one place."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext

import torch

HAS_STANCE = hasattr(torch.compiler, "set_stance")


def eager_stance() -> AbstractContextManager[object]:
    """A context in which compiled callables run eagerly.

    Tracing a compiled callable under a plain dispatch mode stops it from compiling ever again on PyTorch 2.13
    (pytorch#190286); under this stance it compiles again afterwards. Nothing can be compiled before ``torch._dynamo``
    is loaded, and loading it costs a second, so the stance is taken only then.
    """
    if HAS_STANCE and "torch._dynamo" in sys.modules:
        stance: AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
        return stance
    return nullcontext()
