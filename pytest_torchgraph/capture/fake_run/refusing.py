"""What a fake run cannot do, as one sentence with the line that asks for it."""

from __future__ import annotations

import logging
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

ADVICE = "record a real run of a smaller model, or a fake run of the part before"

NO_KERNEL = "has no fake kernel (torch.library.register_fake gives it one)"
WITHOUT_SIZES = "PyTorch follows this (a while_loop, a nested tensor) with symbolic sizes only"
SAID = (
    (r"\.numpy\(\) is not supported for tensor subclasses", "Tensor.numpy reads what a fake tensor does not hold"),
    (r"shape_env must not be None|'ignore_fresh_unbacked_symbols'", WITHOUT_SIZES),
    (r"its data is not allocated yet", "code in C++ reads what a tensor holds, and a fake tensor holds nothing"),
    (r"QuantizedMeta|quantized nyi", "PyTorch has no fake tensor of a quantized dtype"),
)
"""What PyTorch says under fake tensors, and what that means."""


class NeedsContents(RuntimeError):
    """The model asks for the contents of a tensor, and a fake one has none."""


@contextmanager
def told_with_line() -> Iterator[None]:
    """Raise :class:`NeedsContents` with the line of the user's code where fake tensors cannot go on.

    What PyTorch logs of an error before it raises it stays out: it says the same on thirty lines.
    """
    log = logging.getLogger("torch._subclasses.fake_tensor")
    try:
        log.addFilter(is_news)
        yield
    except Exception as error:
        why = why_refused(error)
        if why is None:
            raise
        raise NeedsContents(f"fake=True: {line_of(error)}{why}; {ADVICE}") from error
    finally:
        log.removeFilter(is_news)


def is_news(record: logging.LogRecord) -> bool:
    """Whether what PyTorch logs is not raised as well."""
    return not str(record.msg).startswith("failed while attempting to run meta")


def why_refused(error: BaseException) -> str | None:
    """Why fake tensors cannot go on; ``None`` for an error of another kind."""
    match error:
        case DataDependentOutputException():
            return f"{error.func} reads what a tensor holds, and a fake tensor holds nothing"
        case DynamicOutputShapeException():
            return (
                f"the size of what {error.func} returns depends on what a tensor holds, and a fake tensor holds nothing"
            )
        case UnsupportedOperatorException():
            return f"{error.func} {NO_KERNEL}"
        case UnsupportedFakeTensorException():
            return f"PyTorch makes no fake tensor here ({str(error.reason).splitlines()[0]})"
        case AssertionError() if raised_in(error) == "create_symbolic_nested_int":  # 2.9 asserts without a word
            return WITHOUT_SIZES
        case _:
            return next((why for said, why in SAID if re.search(said, str(error))), None) or without_kernel(error)


def without_kernel(error: BaseException) -> str | None:
    """Which operator of a library is missing its fake kernel."""
    found = re.search(r"There was no fake impl registered for <CustomOpDef\((?P<name>[\w:.]+)\)>", str(error))
    return None if found is None else f"{found['name']} {NO_KERNEL}"


def raised_in(error: BaseException) -> str:
    """The name of the function that raised *error*; empty where none is known."""
    function, traceback = "", error.__traceback__
    while traceback is not None:
        function, traceback = traceback.tb_frame.f_code.co_name, traceback.tb_next
    return function


def line_of(error: BaseException) -> str:
    """``models.py:41 in forward: ``, the innermost line outside PyTorch and this package; empty where there is none."""
    place, traceback = "", error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if is_user_code(code):
            place = f"{code.co_filename}:{traceback.tb_lineno} in {code.co_name}: "
        traceback = traceback.tb_next
    return place
