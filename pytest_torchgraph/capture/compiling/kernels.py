"""The kernels that inductor generates, counted in the code that it writes: its own counters count attempts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pytest_torchgraph.recorded.compilation import Kernels

_DEFINED = re.compile(r"^(?P<name>\w+) = async_compile\.", re.MULTILINE)
_EXTERN = re.compile(r"^\s+.*\b(?:extern_kernels\.\w+|torch\.ops\.[\w.]+)\(", re.MULTILINE)


def kernels_in(codes: Iterable[str]) -> Kernels:
    """The kernels of all *codes* together."""
    defined = called = extern = 0
    for code in codes:
        names = [found["name"] for found in _DEFINED.finditer(code)]
        defined += len(names)
        for name in names:
            called += len(re.findall(rf"^\s+{name}(?:\.run)?\(", code, re.MULTILINE))
        extern += len(_EXTERN.findall(code))
    return Kernels(defined=defined, called=called, extern=extern)
