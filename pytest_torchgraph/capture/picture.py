"""What is reachable from some objects, as it was, to be put back in the same objects."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from operator import is_
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.capture.leaf import NO_HOOKS, Leaf
from pytest_torchgraph.capture.reach import ATOMS, DICT, Container, Kind, container_of, kind_of, read_dict

if TYPE_CHECKING:
    from torch import Tensor, nn

EMPTIABLE = frozenset({dict, OrderedDict, list, set})
NOTHING: Any = object()
"""What an empty slot holds."""
PIECE = 10_000


class Picture:
    """Modules, tensors, containers and objects that are reachable from others, each once, as they were.

    What is in the pictures ``apart`` is theirs. Objects but those of the ids ``but`` are looked into; containers of
    the ids ``skipped`` are put back by somebody else. Without ``into_tensors`` it ends at tensors, which are its
    ``ends``; without ``numbers`` a number that a dictionary holds by then stays. Every object is kept alive; the
    contents of tensors are the business of a guard.
    """

    def __init__(
        self,
        *,
        apart: Iterable[Picture] = (),
        but: Collection[int] = frozenset(),
        into_tensors: bool = True,
        numbers: bool = True,
        skipped: frozenset[int] = frozenset(),
    ) -> None:
        self.apart = tuple(apart)
        self.but = but
        self.into_tensors = into_tensors
        self.numbers = numbers
        self.skipped = skipped
        self.seen: dict[int, Any] = {}
        self.empty: list[Any] = []
        self._empty = set[int]()
        self._asked = 0
        self.containers: list[tuple[Any, Container, list[Any]]] = []
        self.classes: list[tuple[Any, type]] = []
        self.slots: list[tuple[Any, Any, Any]] = []
        self.undo: list[Callable[[], None]] = []
        self.generators: list[Callable[[], None]] = []
        self.leaves: list[Leaf] = []
        self.ends: list[Tensor] = []
        self.modules: list[tuple[nn.Module, bool | None]] = []

    def add(self, *roots: Any) -> None:
        """Take in everything reachable from *roots* that is not there yet."""
        waiting = list(roots)
        known = self._ids_of_empty() if self.seen else set[int]()
        while waiting:
            value = waiting.pop()
            kind = kind_of(type(value))
            key = id(value)
            if kind is None or key in self.seen or key in self.but or key in known:
                continue
            if not self.apart or not any(other.holds(value) for other in self.apart):
                self.seen[key] = value
                self._take(value, kind, waiting)

    def holds(self, value: Any) -> bool:
        """Whether *value* is in the picture."""
        return id(value) in self.seen or (type(value) in EMPTIABLE and id(value) in self._ids_of_empty())

    def _ids_of_empty(self) -> set[int]:
        # There are many, and hardly ever is one asked for; the set takes more memory than all else that is kept. In
        # pieces, as no other thread gets a turn within one.
        while self._asked < len(self.empty):
            piece = self.empty[self._asked : self._asked + PIECE]
            self._empty.update(map(id, piece))
            self._asked += len(piece)
        return self._empty

    def _take(self, value: Any, kind: Kind, waiting: list[Any]) -> None:
        if kind.is_tensor:
            if not self.into_tensors:
                self.ends.append(value)
                return
            self._take_tensor(value, waiting)
        elif kind.is_module:
            self._take_module(value, kind, waiting)
        if kind.has_dict:
            self._take_attributes(value, kind, waiting)
        if kind.slots:
            self._take_slots(value, kind.slots, waiting)
        if not (kind.is_tensor or kind.is_module):
            self._take_contents(value, kind, waiting)

    def _take_contents(self, value: Any, kind: Kind, waiting: list[Any]) -> None:
        if kind.container is not None:
            self._take_container(value, kind.container, waiting)
        if kind.parts is not None:
            waiting.extend(part for part in kind.parts(value) if type(part) not in ATOMS)
        if kind.undo is not None:
            (self.generators if kind.is_generator else self.undo).append(kind.undo(value))

    def _take_module(self, module: nn.Module, kind: Kind, waiting: list[Any]) -> None:
        self.modules.append((module, getattr(module, "training", None)))
        if kind.is_script:
            waiting.extend((*module.parameters(), *module.buffers()))

    def _take_attributes(self, value: Any, kind: Kind, waiting: list[Any]) -> None:
        own = object.__getattribute__(value, "__dict__")
        if not own:
            self.empty.append(own)
            return
        if not kind.is_tensor:
            self.classes.append((value, type(value)))
        before = read_dict(own)
        self._keep(own, DICT, before)
        self._wait_for(before[len(own) :], waiting)  # what comes before are names

    def _take_container(self, value: Any, container: Container, waiting: list[Any]) -> None:
        before = container.read(value)
        self._keep(value, container, before)
        self._wait_for(before, waiting)

    def _keep(self, value: Any, container: Container, before: list[Any]) -> None:
        if id(value) not in self.skipped:
            self.containers.append((value, container, before))

    def _wait_for(self, parts: list[Any], waiting: list[Any]) -> None:
        emptiable = () if self.apart else EMPTIABLE
        for part in parts:
            cls = type(part)
            if cls in ATOMS:
                continue
            # Most registries of most modules are empty: nothing is copied of those.
            if cls in emptiable and not part:
                self.empty.append(part)
            elif cls is not tuple or not ATOMS.issuperset(map(type, part)):
                waiting.append(part)

    def _take_slots(self, value: Any, slots: tuple[Any, ...], waiting: list[Any]) -> None:
        for slot in slots:
            try:
                part = slot.__get__(value)
            except AttributeError:  # the slot is empty
                part = NOTHING
            self.slots.append((value, slot, part))
            if part is not NOTHING and type(part) not in ATOMS:
                waiting.append(part)

    def _take_tensor(self, tensor: Tensor, waiting: list[Any]) -> None:
        leaf = Leaf(tensor)
        self.leaves.append(leaf)
        if leaf.hooks != NO_HOOKS:
            waiting.extend(hooks for hooks in leaf.hooks if hooks is not None)

    def gradients(self) -> list[Tensor]:
        """The gradients that its tensors have."""
        return [leaf.grad for leaf in self.leaves if leaf.grad is not None]

    def changed(self) -> Iterator[tuple[Any, Container, list[Any]]]:
        """The containers, and attributes of objects, that hold other objects by now."""
        for value in self.empty:
            container = container_of(type(value)) if value else None
            if container is not None:
                yield value, container, []
        for value, container, before in self.containers:
            now = container.read(value)
            if len(now) != len(before) or not all(map(is_, now, before)):
                yield value, container, before

    def restore(self) -> Iterator[Callable[[], None]]:
        """What puts everything back, to be called one by one; contents of tensors excepted."""
        for value, container, before in self.changed():
            yield partial(container.refill, value, before if self.numbers else with_numbers(value, before))
        for value, cls in self.classes:
            if type(value) is not cls:
                yield partial(setattr, value, "__class__", cls)
        for value, slot, part in self.slots:
            yield partial(clear, value, slot) if part is NOTHING else partial(slot.__set__, value, part)
        yield from (leaf.restore for leaf in self.leaves)
        yield from (*self.undo, *self.generators)
        yield self.restore_training

    def restore_training(self) -> None:
        """Put back the training flags."""
        for module, training in self.modules:
            if training is not None and module.training != training:
                module.training = training

    def let_go(self) -> None:
        """Forget what there was, in pieces, as no other thread gets a turn while one is freed."""
        held: tuple[list[Any], ...] = (self.containers, self.slots, self.undo, self.leaves, self.modules)
        for one in held:
            while one:
                del one[-PIECE:]


def with_numbers(value: Any, before: list[Any]) -> list[Any]:
    """What a dictionary held *before*, as it is read, with the numbers that it holds now; of others, *before*."""
    if not isinstance(value, dict):
        return before
    half = len(before) // 2
    held = dict(zip(before[:half], before[half:], strict=True))
    held |= {key: part for key, part in value.items() if isinstance(part, (int, float))}
    return [*held, *held.values()]


def clear(value: Any, slot: Any) -> None:
    """Let *slot* of *value* hold nothing."""
    try:
        slot.__delete__(value)
    except AttributeError:
        return
