"""What a tensor is, without its contents: dtype, geometry, device, and the storage that it reads."""

from __future__ import annotations

import math
from functools import lru_cache
from operator import itemgetter
from typing import Literal, TypeAlias

from pytest_torchgraph.quick import dataclass

Shape: TypeAlias = tuple[int, ...]
StorageKind: TypeAlias = Literal["parameter", "buffer", "attribute", "gradient", "state", "input", "constant", "result"]
Role: TypeAlias = Literal["gradient", "state"]

NAMED_KINDS = frozenset({"parameter", "buffer", "attribute", "gradient", "state"})
SHORT_DTYPES = {
    "float64": "f64",
    "float32": "f32",
    "float16": "f16",
    "bfloat16": "bf16",
    "complex128": "c128",
    "complex64": "c64",
    "complex32": "c32",
    "int64": "i64",
    "int32": "i32",
    "int16": "i16",
    "int8": "i8",
    "uint64": "u64",
    "uint32": "u32",
    "uint16": "u16",
    "uint8": "u8",
    "bool": "bool",
}


RAGGED = -1
"""The size of a dimension in which the parts of a nested tensor differ."""
LIKE_PARAMETER = -2
"""The only size of a tensor that has the sizes of the parameter at hand, in work that is done for each parameter."""


SIZE_SYMBOLS = {RAGGED: "?", LIKE_PARAMETER: "*"}


def contiguous_stride(shape: Shape) -> Shape:
    """Strides, in elements, of a row-major tensor of *shape*; sizes of one take the stride they would have."""
    stride: list[int] = []
    step = 1
    for size in reversed(shape):
        stride.append(step)
        step *= max(size, 1)
    return tuple(reversed(stride))


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a storage is read: sizes, strides and offset, all in elements of the reading dtype.

    ``normalised()`` removes what no kernel can see: the stride of a dimension of size one, and every stride of an
    empty tensor. Two chains of views that read the same elements in the same order have equal normalised geometry.
    """

    shape: Shape
    stride: Shape
    offset: int = 0

    @property
    def numel(self) -> int:
        """Number of elements read, an expanded dimension counted in full."""
        return math.prod(self.shape)

    def normalised(self) -> Geometry:
        """The same elements in the same order, with every invisible stride replaced by its row-major value."""
        if 0 in self.shape:
            return Geometry(self.shape, contiguous_stride(self.shape), 0)
        stride: list[int] = []
        step = 1
        for size, actual in zip(reversed(self.shape), reversed(self.stride), strict=True):
            stride.append(step if size == 1 else actual)
            step = stride[-1] * size
        return Geometry(self.shape, tuple(reversed(stride)), self.offset)

    @property
    def elements(self) -> tuple[int, tuple[tuple[int, int], ...]]:
        """Which elements are read, whatever their order and how often: where they begin, and sizes with their strides.

        Different for equal elements where dimensions overlap, as windows do.
        """
        if 0 in self.shape:
            return 0, ((0, 1),)
        sizes = zip(self.shape, self.stride, strict=True)
        runs: list[tuple[int, int]] = []
        for size, stride in sorted((each for each in sizes if each[0] > 1 and each[1]), key=itemgetter(1)):
            if runs and stride == runs[-1][0] * runs[-1][1]:
                runs[-1] = (runs[-1][0] * size, runs[-1][1])
            else:
                runs.append((size, stride))
        return self.offset, tuple(runs)

    @property
    def is_contiguous(self) -> bool:
        """Whether the elements lie row-major without gaps, wherever they start."""
        return self.normalised().stride == contiguous_stride(self.shape)


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Dtype, geometry, device and layout of one tensor; never its contents.

    ``geometry`` is ``None`` where a tensor has no strided storage (sparse, nested, opaque). A size is ``RAGGED`` where
    the parts of a nested tensor differ.
    ``dtype`` is PyTorch's name without the ``torch.`` prefix.
    """

    dtype: str
    shape: Shape
    geometry: Geometry | None
    device: str = "cpu"
    layout: str = "strided"
    conj: bool = False
    neg: bool = False

    def __hash__(self) -> int:
        # Looked up some times for every operation; hardly two specs that differ have all of this in common.
        return hash((self.dtype, self.shape, self.device))

    @property
    def text(self) -> str:
        """``f32[2,16]``: the short dtype and the sizes."""
        sizes = (SIZE_SYMBOLS.get(size) or str(size) for size in self.shape)
        return f"{SHORT_DTYPES.get(self.dtype, self.dtype)}[{','.join(sizes)}]"


@lru_cache(maxsize=1 << 14)
def one_of(spec: TensorSpec) -> TensorSpec:
    """*spec*, or the first that was seen of those that equal it, so that most are compared by identity."""
    return spec


@dataclass(frozen=True, slots=True)
class Storage:
    """One block of memory that tensors share; ``bytes`` is ``None`` where PyTorch does not tell.

    ``name`` is the path of a parameter, buffer, attribute or input; ``None`` for what an operation made and for
    constants. A gradient is named after its parameter (``fc.weight.grad``), as is what an optimizer keeps for it
    (``fc.weight.exp_avg``); their ``role`` says so where an operation of the run made them. ``spec`` is the tensor
    through which it was first seen: every other reading is a view of it.
    """

    index: int
    kind: StorageKind
    bytes: int | None
    spec: TensorSpec
    name: str | None = None
    producer: int | None = None
    role: Role | None = None

    @property
    def is_leaf(self) -> bool:
        """Whether it is known by name: what a module holds, a parameter's gradient, or an optimizer's state."""
        return self.kind in NAMED_KINDS or self.role is not None


@dataclass(frozen=True, slots=True)
class TensorRef:
    """One tensor as an operation read or returned it.

    ``value`` tells tensors apart that share a storage (a view is a value of its own); ``storage`` is the position in
    ``Graph.storages``; ``spec`` was taken at the moment of reading.
    """

    value: int
    storage: int
    spec: TensorSpec
