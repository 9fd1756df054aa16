"""Which operations ranks do together.

Names are those of ``torch.distributed``'s documentation, whichever operation carries a collective out:
``c10d._allgather_base_`` and ``_c10d_functional.all_gather_into_tensor`` are both an ``all_gather``.
"""

from __future__ import annotations

from functools import lru_cache

from pytest_torchgraph.recorded.operation import packet_of

NAMESPACES = frozenset({"c10d", "_c10d_functional", "_c10d_functional_autograd", "_dtensor", "symm_mem"})
"""Where PyTorch keeps what ranks do together."""
SPELLINGS = (
    ("allreduce", "all_reduce"),
    ("allgather", "all_gather"),
    ("reducescatter", "reduce_scatter"),
    ("alltoall", "all_to_all"),
    ("broadcast", "broadcast"),
    ("barrier", "barrier"),
    ("p2pops", "send_recv"),
    ("gather", "gather"),
    ("scatter", "scatter"),
    ("reduce", "reduce"),
    ("send", "send"),
    ("recv", "recv"),
)
"""Part of an operation's name, underscores left out, and the kind of collective; the first that fits."""
KINDS = tuple(kind for _, kind in SPELLINGS)
REDUCTIONS = frozenset({"sum", "avg", "product", "min", "max", "band", "bor", "bxor", "premul_sum"})


@lru_cache(maxsize=4096)
def kind_of(name: str) -> str | None:
    """The kind of collective that the operation *name* is; ``None`` for any other operation."""
    namespace, _, rest = packet_of(name).partition(".")
    if namespace not in NAMESPACES:
        return None
    plain = rest.replace("_", "")
    return next((kind for part, kind in SPELLINGS if part in plain), None)
