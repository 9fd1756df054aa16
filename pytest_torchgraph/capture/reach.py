"""What hangs on an object: which kinds are looked into, and what is put back of each.

Looked into are modules, tensors, containers, and the attributes and slots of objects of Python classes. It ends at
classes, functions, closures, objects of C without a known way to read and write them, and at what is not the model's
own: threads, loggers, data sets, processes, compilers.
"""

from __future__ import annotations

import array
import enum
import functools
import random
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from types import FunctionType, MemberDescriptorType, MethodType, ModuleType, SimpleNamespace
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from pytest_torchgraph.quick import dataclass

FOREIGN = (
    *("_ctypes", "_io", "_pytest", "_thread", "asyncio", "builtins", "concurrent", "ctypes", "io", "logging"),
    *("multiprocessing", "pathlib", "pluggy", "pytest", "pytest_torchgraph", "queue", "re", "selectors", "socket"),
    *("subprocess", "threading", "types", "typing", "unittest", "weakref"),
)
"""Packages whose classes, and those derived from them, hold nothing of a model's own."""
FOREIGN_PARTS = (
    *("torch._", "torch.distributed", "torch.export", "torch.fx", "torch.jit", "torch.library", "torch.profiler"),
    "torch.utils.data",
)
GENERIC = ("Generic", "Protocol")
SEEN_THROUGH = frozenset({object, dict, OrderedDict, list, set, deque, tuple, frozenset, SimpleNamespace})


@dataclass(frozen=True, slots=True)
class Container:
    """How a kind of container is read as a list, and filled again from one, whatever its subclass overrides."""

    read: Callable[[Any], list[Any]]
    refill: Callable[[Any, list[Any]], None]


def read_dict(value: Any) -> list[Any]:
    """Keys, then values."""
    return [*dict.__iter__(value), *dict.values(value)]


def refill_dict(value: Any, parts: list[Any]) -> None:
    """Hold what :func:`read_dict` gave, and nothing else."""
    base = OrderedDict if isinstance(value, OrderedDict) else dict
    base.clear(value)
    half = len(parts) // 2
    for key, part in zip(parts[:half], parts[half:], strict=True):
        base.__setitem__(value, key, part)


def read_ordered(value: Any) -> list[Any]:
    """Keys in their own order, then values."""
    keys = list(OrderedDict.__iter__(value))
    return [*keys, *(dict.__getitem__(value, key) for key in keys)]


def refill_set(value: Any, parts: list[Any]) -> None:
    """Hold *parts* and nothing else."""
    set.clear(value)
    set.update(value, parts)


def refill_deque(value: Any, parts: list[Any]) -> None:
    """Hold *parts* and nothing else."""
    deque.clear(value)
    deque.extend(value, parts)


DICT = Container(read_dict, refill_dict)
CONTAINERS: tuple[tuple[type, Container], ...] = (
    (OrderedDict, Container(read_ordered, refill_dict)),
    (dict, DICT),
    (
        list,
        Container(
            lambda value: list(list.__iter__(value)), lambda value, parts: list.__setitem__(value, slice(None), parts)
        ),
    ),
    (set, Container(lambda value: list(set.__iter__(value)), refill_set)),
    (deque, Container(lambda value: list(deque.__iter__(value)), refill_deque)),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What there is to see of the instances of one class.

    What an ``is_script`` module holds lies in C++. ``undo`` makes what puts back the state of an object that is not
    told by its parts, such as a generator.
    """

    container: Container | None = None
    parts: Callable[[Any], Iterable[Any]] | None = None
    slots: tuple[MemberDescriptorType, ...] = ()
    has_dict: bool = False
    is_module: bool = False
    is_script: bool = False
    is_tensor: bool = False
    undo: Callable[[Any], Callable[[], None]] | None = None
    is_generator: bool = False


ATOMS: set[type] = {
    *(type(None), bool, int, float, complex, str, bytes, range, slice, type, FunctionType, ModuleType),
    *(torch.Size, torch.dtype, torch.device, torch.layout, torch.memory_format),
}
"""Classes whose instances hold nothing that could change, or where the walk ends; others are added as they are met."""
_kinds: dict[type, Kind] = {}


def kind_of(cls: type) -> Kind | None:
    """What there is to see of instances of *cls*; ``None`` for an atom."""
    known = _kinds.get(cls)
    if known is None and cls not in ATOMS:
        known = learnt(cls)
        if known is None:
            ATOMS.add(cls)
        else:
            _kinds[cls] = known
    return known


def learnt(cls: type) -> Kind | None:
    """What there is to see of instances of *cls*, worked out."""
    slots, has_dict = slots_of(cls), bool(cls.__dictoffset__)
    if issubclass(cls, nn.Module):
        return Kind(has_dict=True, slots=slots, is_module=True, is_script=issubclass(cls, torch.jit.ScriptModule))
    if issubclass(cls, Tensor):
        return Kind(has_dict=has_dict, slots=slots, is_tensor=True)
    for base, make in generators():
        if issubclass(cls, base):
            return Kind(undo=make, is_generator=True)
    for base, make in arrays():
        if issubclass(cls, base):
            return Kind(undo=make)
    parts = next((read for base, read in PARTS if issubclass(cls, base)), None)
    container = container_of(cls)
    if is_foreign(cls) and parts is None and container is None:
        return None
    has_dict = has_dict and not issubclass(cls, MethodType)
    return Kind(container, parts, slots, has_dict) if container or parts or slots or has_dict else None


def container_of(cls: type) -> Container | None:
    """How instances of *cls* are read and filled again; ``None`` where they are no containers."""
    return next((each for base, each in CONTAINERS if issubclass(cls, base)), None)


def is_foreign(cls: type) -> bool:
    """Whether instances of *cls* are no part of a model."""
    if issubclass(cls, (type, ModuleType, enum.Enum)):
        return True
    if issubclass(cls, torch.optim.Optimizer):
        return False
    bases = [base.__module__ for base in cls.__mro__ if base not in SEEN_THROUGH and base.__name__ not in GENERIC]
    return any(name.partition(".")[0] in FOREIGN or name.startswith(FOREIGN_PARTS) for name in bases)


def slots_of(cls: type) -> tuple[MemberDescriptorType, ...]:
    """The slots that Python classes among the bases of *cls* declare."""
    declaring = [base for base in cls.__mro__ if "__slots__" in vars(base)]
    return tuple(slot for base in declaring for slot in vars(base).values() if isinstance(slot, MemberDescriptorType))


PARTS: tuple[tuple[type, Callable[[Any], Iterable[Any]]], ...] = (
    (tuple, tuple.__iter__),
    (frozenset, frozenset.__iter__),
    (functools.partial, lambda value: (value.func, value.args, value.keywords)),
    (MethodType, lambda value: (value.__self__,)),
)
"""What cannot change itself, but holds what can."""


def generator_undo(generator: torch.Generator) -> Callable[[], None]:
    """What puts back where *generator* is in its numbers."""
    state = generator.get_state()
    return lambda: void(generator.set_state(state))


def python_random_undo(generator: random.Random) -> Callable[[], None]:
    """What puts back where *generator* is in its numbers."""
    state = generator.getstate()
    return lambda: generator.setstate(state)


def numpy_random_undo(generator: Any) -> Callable[[], None]:
    """What puts back where NumPy's *generator* is in its numbers."""
    bits = generator.bit_generator if hasattr(generator, "bit_generator") else generator._bit_generator
    state = bits.state

    def undo() -> None:
        bits.state = state

    return undo


def array_undo(value: Any) -> Callable[[], None]:
    """What puts back the elements of a NumPy array."""
    before = value.copy()

    def undo() -> None:
        if value.flags.writeable:
            value[...] = before

    return undo


def nothing_undone(_: Any) -> Callable[[], None]:
    """A file that is mapped into memory is not the model's, and may be larger than memory."""
    return lambda: None


def bytes_undo(value: Any) -> Callable[[], None]:
    """What puts back the elements of a ``bytearray`` or ``array.array``."""
    before = value[:]

    def undo() -> None:
        value[:] = before

    return undo


Undo: TypeAlias = Callable[[Any], Callable[[], None]]


def generators() -> Iterable[tuple[type, Undo]]:
    """Classes of random generators."""
    yield from ((torch.Generator, generator_undo), (random.Random, python_random_undo))
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        yield from ((numpy.Generator, numpy_random_undo), (numpy.RandomState, numpy_random_undo))


def arrays() -> Iterable[tuple[type, Undo]]:
    """Classes whose elements lie in memory of their own."""
    yield from ((bytearray, bytes_undo), (array.array, bytes_undo))
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        yield from ((numpy.memmap, nothing_undone), (numpy.ndarray, array_undo))


def void(_: object) -> None:
    """Nothing, whatever a function returned."""
