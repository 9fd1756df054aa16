"""What an operation is: a sync, a copy, a cast, a view, a matrix product, an attention call. Said here, once.

The same answers hold for a live graph and for a file. A name tells most of it, the tensors that are read and made the
rest; where both do not tell whether the host waits for a device, the recorded fact does, which a file keeps as a mark.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Literal, TypeAlias

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.collective import KINDS
from pytest_torchgraph.recorded.collective import kind_of as collective_kind
from pytest_torchgraph.recorded.operation import Operation, packet_of, tensors_in
from pytest_torchgraph.recorded.tensor import TensorSpec

Wait: TypeAlias = Literal["sync", "no sync"]
"""That the host waits for an operation though its name does not say so, or does not wait though it does."""

SYNCS = frozenset(
    {
        # A value is needed on the host.
        "aten._local_scalar_dense",
        "aten.is_nonzero",
        "aten.equal",
        "aten.allclose",
        "aten._linalg_check_errors",
        # The size of the result is.
        "aten.nonzero",
        "aten.masked_select",
        "aten._unique",
        "aten._unique2",
        "aten.unique_dim",
        "aten.unique_consecutive",
        "aten.unique_dim_consecutive",
        "aten.repeat_interleave",
        "aten.bincount",
        "aten.linalg_lstsq",
        "aten._ctc_loss",
        "aten._to_sparse",
        "aten._to_sparse_csr",
        "aten._to_sparse_csc",
        "aten._to_sparse_bsr",
        "aten._to_sparse_bsc",
        "aten._coalesce",
    }
)
MASKABLE = frozenset(
    {"aten.index", "aten._unsafe_index", "aten.index_put", "aten.index_put_", "aten._unsafe_index_put"}
)
"""Syncs with a mask as an index, and with whole numbers none: those are read on the device."""
MASKS = frozenset({"bool", "uint8"})
CAST = "aten._to_copy"
"""A copy where the dtype stays the same."""
COPIES = frozenset({"aten.clone", "aten.copy_", "aten.copy", "aten._foreach_copy_", "aten.lift_fresh_copy"})
MOVES = COPIES | {CAST}
MATMULS = frozenset(
    {
        *("aten.mm", "aten.bmm", "aten.addmm", "aten.baddbmm", "aten.addbmm", "aten.mv", "aten.addmv", "aten.dot"),
        *("aten.vdot", "aten.addr", "aten._grouped_mm", "aten._scaled_mm", "aten._scaled_mm_v2", "aten._int_mm"),
        *("aten._scaled_grouped_mm", "aten._scaled_grouped_mm_v2", "aten._addmm_activation", "aten._foreach_mm"),
        *("aten.linear", "aten.mkldnn_linear", "aten._mixed_dtypes_linear", "mkldnn._linear_pointwise"),
        *("aten._weight_int8pack_mm", "aten._weight_int4pack_mm", "aten._weight_int4pack_mm_for_cpu"),
        *("aten._weight_int4pack_mm_with_scales_and_zeros", "aten._dyn_quant_matmul_4bit"),
        *("aten._sparse_addmm", "aten.sspaddmm", "aten.hspmm", "aten._sparse_sparse_matmul", "aten._cslt_sparse_mm"),
        *("aten._sparse_semi_structured_mm", "aten._sparse_semi_structured_addmm"),
        *("aten._sparse_semi_structured_linear", "quantized.linear", "quantized.linear_relu"),
        *("quantized.linear_dynamic", "quantized.linear_relu_dynamic", "quantized.linear_leaky_relu"),
    }
)
ATTENTION = frozenset(
    {
        "aten._native_multi_head_attention",
        "aten._transformer_encoder_layer_fwd",
        "higher_order.flex_attention",
    }
)
"""Operations that bypass the API call."""
ATTENTION_CALLS = frozenset({"scaled_dot_product_attention"})


@dataclass(frozen=True, slots=True)
class Doing:
    """What decides what an operation is: of a recorded one and of a line in a file alike.

    ``read`` and ``made`` are its first operand and result that are tensors, ``None`` where they are not known.
    """

    name: str
    read: TensorSpec | None
    made: TensorSpec | None
    wait: Wait | None = None
    is_view: bool = False

    @property
    def packet(self) -> str:
        """The name without its overload."""
        return packet_of(self.name)


def is_sync(doing: Doing) -> bool:
    """Whether the host has to wait for a device: it needs the value of a result, or its size."""
    return names_sync(doing.name) if doing.wait is None else doing.wait == "sync"


@lru_cache(maxsize=1 << 12)
def names_sync(name: str) -> bool:
    """Whether the operation *name* is a sync as far as its name tells."""
    return packet_of(name) in SYNCS


def wait_of(name: str, *, is_sync: bool) -> Wait | None:
    """What has to be said of the operation *name* beside its name."""
    if is_sync == names_sync(name):
        return None
    return "sync" if is_sync else "no sync"


def is_cast(doing: Doing) -> bool:
    """Whether the result has another dtype than what is copied; taken to where that is not known."""
    known = doing.read is not None and doing.made is not None
    return doing.packet == CAST and not (known and doing.read.dtype == doing.made.dtype)  # type: ignore[union-attr]


def is_copy(doing: Doing) -> bool:
    """Whether the same values are written to other memory: ``clone``, ``copy_``, a ``_to_copy`` of one dtype."""
    packet = doing.packet
    if packet == CAST:
        return not is_cast(doing)
    return packet in COPIES or (packet.startswith("aten.") and packet.endswith("_copy"))


def is_matmul(doing: Doing) -> bool:
    """Whether it is a matrix product, in place or not."""
    packet = doing.packet
    return packet in MATMULS or packet.removesuffix("_") in MATMULS


GROUPS: dict[str, Callable[[Doing], bool]] = {
    "ops": lambda doing: not doing.is_view,
    "views": lambda doing: doing.is_view,
    "copies": is_copy,
    "casts": is_cast,
    "syncs": is_sync,
    "matmuls": is_matmul,
    "attention": lambda doing: doing.packet in ATTENTION,
    "collectives": lambda doing: collective_kind(doing.name) is not None,
}
"""What is counted under a name of its own, by graphs, budgets and selections."""


def doing(operation: Operation) -> Doing:
    """What decides what *operation* is; only of a cast it is told from its tensors."""
    may_cast = operation.packet == CAST
    read = tensors_in(operation.arguments) if may_cast else None
    made = tensors_in(operation.results) if may_cast else None
    return Doing(
        operation.name,
        read[0].spec if read else None,
        made[0].spec if made else None,
        wait_of(operation.name, is_sync=operation.is_sync),
        operation.is_view,
    )


def counted(operations: Iterable[Operation]) -> Counter[Doing]:
    """How many of *operations* there are of each kind."""
    alike: dict[tuple[str, bool, bool], list[Operation]] = {}
    for operation in operations:
        alike.setdefault((operation.name, operation.is_sync, operation.is_view), []).append(operation)
    found: Counter[Doing] = Counter()
    for each in alike.values():
        if each[0].packet == CAST:
            found.update(map(doing, each))
        else:
            found[doing(each[0])] += len(each)
    return found


def group_named(name: str) -> Callable[[Doing], bool] | None:
    """What tells the operations of the group *name*, ``collectives.all_reduce`` too; ``None`` where there is none."""
    of, _, kind = name.partition(".")
    if of == "collectives" and kind in KINDS:
        return lambda doing: collective_kind(doing.name) == kind
    return GROUPS.get(name)


def is_in(group: str, operation: Operation) -> bool:
    """Whether *operation* is counted in *group*."""
    tells = group_named(group)
    return tells is not None and tells(doing(operation))
