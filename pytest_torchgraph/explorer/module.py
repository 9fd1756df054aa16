"""A model as a tree of modules: what each one is and holds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import field
from typing import Literal, TypeAlias

from pytest_torchgraph.analysis.tally import Total
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.tensor import SHORT_DTYPES

Kind: TypeAlias = Literal["parameter", "buffer", "leaf"]
"""A *leaf* is one or the other: a file does not tell them apart."""
NOTHING = Total(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A parameter or buffer of a module.

    ``shape`` and ``bytes`` are ``None`` before the first call of a lazy module. ``trainable`` and ``device`` are
    ``None`` where a file does not tell. ``identity`` tells tensors apart that several modules hold.
    """

    name: str
    kind: Kind
    shape: tuple[int, ...] | None
    dtype: str
    device: str | None
    bytes: int | None
    trainable: bool | None
    identity: int = field(repr=False)

    @property
    def elements(self) -> int | None:
        """How many numbers it holds."""
        return None if self.shape is None else math.prod(self.shape)

    @property
    def text(self) -> str:
        """``f32[64,3,7,7]``."""
        sizes = "?" if self.shape is None else ",".join(map(str, self.shape))
        return f"{SHORT_DTYPES.get(self.dtype, self.dtype)}[{sizes}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module at one place in a model; ``path`` is ``""`` for the model itself.

    ``arguments`` are what it was made with, as far as that is told (``3→64, 7×7``). ``same_as`` is the path of the
    place that comes first where one module stands at several.
    """

    path: str
    class_name: str
    arguments: str = ""
    held: tuple[Held, ...] = ()
    children: tuple[Module, ...] = ()
    same_as: str | None = None
    parameters: Total = NOTHING
    parameter_bytes: Total = NOTHING
    buffer_bytes: Total = NOTHING
    trainable: int | None = None

    @property
    def name(self) -> str:
        """The last part of the path; the class for the model itself."""
        return self.path.rpartition(".")[2] or self.class_name

    @property
    def title(self) -> str:
        """``Conv2d(3→64, 7×7)``."""
        return f"{self.class_name}({self.arguments})" if self.arguments else self.class_name

    @property
    def depth(self) -> int:
        """How many modules are around it."""
        return self.path.count(".") + 1 if self.path else 0


@dataclass(slots=True)
class Place:
    """A module while the tree is built."""

    path: str
    class_name: str
    arguments: str = ""
    held: tuple[Held, ...] = ()
    same_as: str | None = None
    children: list[Place] = field(default_factory=list)


def grown(root: Place) -> Module:
    """The tree beneath *root*, with what each module holds in all; a shared tensor counts once in every module."""
    order, waiting = list[Place](), [root]
    while waiting:
        place = waiting.pop()
        order.append(place)
        waiting.extend(place.children)
    built: dict[int, tuple[Module, dict[int, Held]]] = {}
    for place in reversed(order):  # what lies inside before what lies around it, however deep that is
        built[id(place)] = _grown(place, [built.pop(id(child)) for child in place.children])
    return built[id(root)][0]


def _grown(place: Place, found: list[tuple[Module, dict[int, Held]]]) -> tuple[Module, dict[int, Held]]:
    inside = {one.identity: one for one in place.held}
    for _, held in found:
        inside.update(held)
    parameters = [one for one in inside.values() if one.kind != "buffer"]
    buffers = [one for one in inside.values() if one.kind == "buffer"]
    module = Module(
        path=place.path,
        class_name=place.class_name,
        arguments=place.arguments,
        held=place.held,
        children=tuple(child for child, _ in found),
        same_as=place.same_as,
        parameters=_total([(one.name, one.elements) for one in parameters]),
        parameter_bytes=_total([(one.name, one.bytes) for one in parameters]),
        buffer_bytes=_total([(one.name, one.bytes) for one in buffers]),
        trainable=_trainable(parameters),
    )
    return module, inside


def _total(parts: list[tuple[str, int | None]]) -> Total:
    return Total(
        sum(count for _, count in parts if count is not None),
        tuple(sorted({name for name, count in parts if count is None})),
    )


def _trainable(parameters: list[Held]) -> int | None:
    """How many numbers are trained; ``None`` where that is not told."""
    if any(one.trainable is None for one in parameters):
        return None
    return sum(one.elements or 0 for one in parameters if one.trainable)


def walked(module: Module) -> Iterator[Module]:
    """*module* and all beneath it, in order."""
    waiting = [module]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(reversed(one.children))
