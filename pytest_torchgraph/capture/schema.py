"""What the dispatcher says of each overload, learnt once per process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.collective import NAMESPACES

# The schemas of these operations declare no write; comparing bytes before and after shows that they do.
UNDECLARED_WRITES: dict[str, tuple[int, ...]] = {
    "aten.native_batch_norm.default": (3, 4),
    "aten._native_batch_norm_legit.default": (3, 4),
    "aten.cudnn_batch_norm.default": (3, 4),
    "aten.miopen_batch_norm.default": (3, 4),
    "aten._batch_norm_with_update.default": (3, 4),
    "aten.mkldnn_rnn_layer_backward.default": (22,),
}
# In `native_batch_norm(input, weight, bias, running_mean, running_var, training, ...)` the statistics are only written
# in training.
TRAINING_FLAG: dict[str, int] = {
    "aten.native_batch_norm.default": 5,
    "aten._native_batch_norm_legit.default": 5,
    "aten.cudnn_batch_norm.default": 5,
    "aten.miopen_batch_norm.default": 5,
}
IGNORED_NAMESPACES = frozenset({"prim", "profiler"})
IGNORED = frozenset(
    {
        "_c10d_functional._wrap_tensor_autograd.default",
        "aten.dim.default",
        "aten.is_contiguous.default",
        "aten.is_contiguous.memory_format",
        "aten.is_non_overlapping_and_dense.default",
        "aten.is_strides_like_format.default",
        "aten.numel.default",
        "aten.size.default",
        "aten.stride.default",
        "aten.storage_offset.default",
        "aten.sym_is_contiguous.default",
        "aten.sym_numel.default",
        "aten.sym_size.default",
        "aten.sym_storage_offset.default",
        "aten.sym_stride.default",
    }
)
"""What wrapper tensors ask for instead of knowing it: no operation, and none for any other tensor."""
LAUNCHES_NOTHING = frozenset(
    {
        "aten._unsafe_view.default",
        "aten.detach.default",
        "aten.lift.default",
        "aten.lift_fresh.default",
        "aten.unsafe_chunk.default",
        "aten.unsafe_split.Tensor",
        "aten.unsafe_split_with_sizes.default",
        "_c10d_functional.wait_tensor.default",
    }
)
"""Their results share memory with what they are given, though their schemas do not say so."""
DECLARING = NAMESPACES | {"aten", "prims", "quantized", "_quantized", "mkldnn", "onednn"}
"""Namespaces whose operations write to nothing that their schemas do not tell, but for those that are listed above."""
DEVICE = torch.ops.prim.device.default
NEG_VIEW = "aten._neg_view.default"
LIFTS = frozenset({"aten.lift.default", "aten.lift_fresh.default"})
"""What Python makes of a constant in the code; under fake tensors it returns another tensor."""


@dataclass(frozen=True, slots=True)
class Overload:
    """One overload: its full name, which argument positions and keywords it writes, and how it is treated.

    ``run`` is what *target* hands its arguments on to, one call of Python less for each operation.
    ``may_write`` covers both contents and metadata. ``ignored`` operations are PyTorch's own bookkeeping and never
    recorded. ``moves_metadata`` marks in-place view operations (``unsqueeze_``, ``set_``, ``resize_``): they change how
    an existing tensor reads its storage. ``communicates`` marks what ranks do together, ``takes_objects``
    what is given more than tensors and constants, ``is_suspect`` an operation of
    another library that may write to what it is given without saying so; ``is_special`` all of which there is more to
    see than operands and results.
    """

    name: str
    target: Any
    run: Callable[..., Any]
    written_positions: tuple[int, ...]
    written_keywords: tuple[str, ...]
    argument_names: tuple[str, ...]
    is_view: bool
    moves_metadata: bool
    is_data_dependent: bool
    ignored: bool
    training_flag: int | None
    may_write: bool
    communicates: bool = False
    takes_objects: bool = False
    is_suspect: bool = False
    is_special: bool = False

    def asks_device(self, args: tuple[Any, ...]) -> bool:
        """Whether the operation only asks where a fake tensor is, as C++ does of each, several times an operation."""
        return self.target is DEVICE and type(args[0]) is FakeTensor

    def writing_everything(self) -> Overload:
        """The same overload, declared to write to all that it is given."""
        places = tuple(range(len(self.argument_names)))
        return replace(self, written_positions=places, written_keywords=self.argument_names)

    def sharing(self, places: tuple[int, ...], names: tuple[str, ...]) -> Overload:
        """The same overload, known to write to the arguments at *places* and to those called *names*, if to any."""
        writes = bool(places or names)
        return replace(
            self, written_positions=places, written_keywords=names, may_write=writes, is_suspect=False, is_special=False
        )


def overload_name(target: Any) -> str:
    """``aten.add.Tensor``; a higher-order operator has no overload: ``higher_order.cond``."""
    if isinstance(target, torch._ops.OpOverload):
        return str(target)
    return f"higher_order.{target.name() if callable(getattr(target, 'name', None)) else target}"


def undeclared_writes(name: str) -> tuple[int, ...]:
    """Positions that the overload writes although its schema does not say so."""
    # Collectives return what they were given to write (`c10d.allreduce_`, `c10d._allgather_base_`), declared as a read.
    if name.startswith("c10d.") and name.split(".")[1].endswith("_"):
        return (0,)
    return UNDECLARED_WRITES.get(name, ())


def learn(target: Any) -> Overload:
    """Read the schema and tags of *target*."""
    name = overload_name(target)
    if not isinstance(target, torch._ops.OpOverload):
        return Overload(name, target, target, (), (), (), False, False, False, False, None, False)
    arguments = target._schema.arguments
    written = [
        (position, argument)
        for position, argument in enumerate(arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    ]
    moves_metadata = torch.Tag.inplace_view in target.tags
    positions = tuple(position for position, argument in written if not argument.kwarg_only)
    undeclared = undeclared_writes(name)
    communicates = target.namespace in NAMESPACES
    is_suspect = not (written or undeclared or target.is_view or target.namespace in DECLARING | IGNORED_NAMESPACES)
    return Overload(
        name=name,
        target=target,
        run=target._op if type(target) is torch._ops.OpOverload else target,
        written_positions=() if moves_metadata else positions + undeclared,
        written_keywords=tuple(argument.name for _, argument in written),
        argument_names=tuple(argument.name for argument in arguments),
        is_view=target.is_view or name in LAUNCHES_NOTHING,
        moves_metadata=moves_metadata,
        is_data_dependent=bool({torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape} & set(target.tags)),
        ignored=target.namespace in IGNORED_NAMESPACES or name in IGNORED,
        training_flag=TRAINING_FLAG.get(name),
        may_write=bool(written) or bool(undeclared),
        communicates=communicates,
        takes_objects=any("torch.classes" in str(argument.type) for argument in arguments),
        is_suspect=is_suspect,
        is_special=communicates or is_suspect or moves_metadata or name == NEG_VIEW or name in LIFTS,
    )
