"""Which operations ranks do together.

Names are those of ``torch.distributed``'s documentation, whichever operation carries a collective out:
``c10d._allgather_base_`` and ``_c10d_functional.all_gather_into_tensor`` are both an ``all_gather``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from pytest_torchgraph.quick import dataclass
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


Asked: TypeAlias = Literal["rule", "user"]
RULE: Final = "rule"
USER: Final = "user"


@dataclass(frozen=True, slots=True)
class Redistribution:
    """A ``DTensor`` that is placed otherwise, for which a collective runs.

    ``before`` and ``after`` are placements for each dimension of the mesh, as PyTorch spells them: ``S(0)`` sharded,
    ``R`` replicated, ``P(sum)`` still to be summed. ``asked`` is ``rule`` where an operation's sharding rule needs its
    operand so, ``user`` where the code says it: ``redistribute``, ``full_tensor``, a style of tensor parallelism, and
    the backward pass of these.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    asked: Asked

    @property
    def text(self) -> str:
        """``P(sum) -> R``; the dimensions of a mesh stand side by side."""
        return f"{' '.join(self.before)} -> {' '.join(self.after)}"


MARKS = ("asked", "from", "to")
"""Keywords of a collective that tell its redistribution; the operation itself has none of these."""


def redistribution_of(keywords: Mapping[str, object]) -> Redistribution | None:
    """What the *keywords* of a collective say of a redistribution; ``None`` where it belongs to none."""
    asked, before, after = (keywords.get(name) for name in MARKS)
    if not (isinstance(before, tuple) and isinstance(after, tuple)):
        return None
    return Redistribution(tuple(map(str, before)), tuple(map(str, after)), RULE if asked == RULE else USER)
