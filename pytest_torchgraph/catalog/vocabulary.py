"""The names of the operations that can reach the dispatcher of the installed PyTorch."""

from __future__ import annotations

from functools import cache

import torch

COMPOSITE = "CompositeImplicitAutograd"


@cache
def operation_names() -> frozenset[str]:
    """Every operation as users write it, with and without its overload: ``aten.add`` and ``aten.add.Tensor``.

    Composite operations are left out: PyTorch takes them apart before they reach the dispatcher.
    """
    names: set[str] = set()
    for full in torch._C._dispatch_get_all_op_names():
        if torch._C._dispatch_has_kernel_for_dispatch_key(full, COMPOSITE):
            continue
        packet, _, overload = full.replace("::", ".", 1).partition(".")[2].partition(".")
        namespace = full.partition("::")[0]
        names |= {f"{namespace}.{packet}", f"{namespace}.{packet}.{overload or 'default'}"}
    return frozenset(names)
