"""What a fake run cannot do, as one sentence with the line that asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)

from pytest_torchgraph.capture.source import is_user_code

NO_NUMPY = re.compile(r"\.numpy\(\) is not supported for tensor subclasses")
NO_KERNEL = re.compile(r"There was no fake impl registered for <CustomOpDef\((?P<name>[\w:.]+)\)>")
SYMBOLS = re.compile(r"shape_env must not be None|'ignore_fresh_unbacked_symbols'")
QUANTIZED = re.compile(r"QuantizedMeta|quantized nyi")
ADVICE = "record a real run of a smaller model, or a fake run of the part before"


class NeedsContents(RuntimeError):
    """The model asks for the contents of a tensor, and a fake one has none."""


@contextmanager
def told_with_line() -> Iterator[None]:
    """Raise :class:`NeedsContents` with the line of the user's code where fake tensors cannot go on."""
    try:
        yield
    except Exception as error:
        why = why_refused(error)
        if why is None:
            raise
        raise NeedsContents(f"fake=True: {line_of(error)}{why}; {ADVICE}") from error


def why_refused(error: BaseException) -> str | None:
    """Why fake tensors cannot go on; ``None`` for an error of another kind."""
    if isinstance(error, DataDependentOutputException):
        return f"{error.func} reads what a tensor holds, and a fake tensor holds nothing"
    if isinstance(error, DynamicOutputShapeException):
        return f"the size of what {error.func} returns depends on what a tensor holds, and a fake tensor holds nothing"
    if isinstance(error, UnsupportedOperatorException):
        return f"{error.func} has no fake kernel (torch.library.register_fake gives it one)"
    if isinstance(error, UnsupportedFakeTensorException):
        return f"PyTorch makes no fake tensor here ({str(error.reason).splitlines()[0]})"
    if SYMBOLS.search(str(error)):
        return "PyTorch follows this (a while_loop, a nested tensor) with symbolic sizes only"
    if QUANTIZED.search(str(error)):
        return "PyTorch has no fake tensor of a quantized dtype"
    if NO_NUMPY.search(str(error)):
        return "Tensor.numpy reads what a tensor holds, and a fake tensor holds nothing"
    found = NO_KERNEL.search(str(error))
    return None if found is None else f"{found['name']} has no fake kernel (torch.library.register_fake gives it one)"


def line_of(error: BaseException) -> str:
    """``models.py:41 in forward: ``, the innermost line outside PyTorch and this package; empty where there is none."""
    place, traceback = "", error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if is_user_code(code):
            place = f"{code.co_filename}:{traceback.tb_lineno} in {code.co_name}: "
        traceback = traceback.tb_next
    return place
