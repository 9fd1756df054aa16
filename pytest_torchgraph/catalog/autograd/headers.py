"""Where the installed PyTorch declares its generated backward nodes; neither a parser nor an import is needed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from pytest_torchgraph.catalog.autograd.masking import masked
from pytest_torchgraph.catalog.autograd.place import installed

PATH = "torch/include/torch/csrc/autograd/generated/Functions.h"
_STRUCT = re.compile(rb"^struct +(?:TORCH_API +)?(\w+) *:", re.MULTILINE)


@cache
def declared() -> Mapping[str, int]:
    """The line in ``PATH`` of each node class; nothing where there is no PyTorch or it comes without headers."""
    place = installed()
    try:
        source = masked((place.root / PATH).read_bytes()) if place else b""
    except OSError:
        return {}
    lines: dict[str, int] = {}
    line, at = 1, 0
    for found in _STRUCT.finditer(source):
        line, at = line + source.count(b"\n", at, found.start()), found.start()
        lines[found[1].decode()] = line
    return lines


def place_of(node: str) -> str:
    """``torch/include/…/Functions.h:4711``, beneath the folder that PyTorch is installed in; empty where unknown."""
    line = declared().get(node)
    return "" if line is None else f"{PATH}:{line}"
