"""The tree of scopes while a canonical graph is built: where each value is made, and which edges it crosses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import field
from itertools import pairwise
from typing import TypeAlias

from pytest_torchgraph.canonical.paths import relative
from pytest_torchgraph.canonical.program import Given
from pytest_torchgraph.canonical.reading import best_base
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import Call, Operation
from pytest_torchgraph.recorded.tensor import Storage, TensorRef, TensorSpec


@dataclass(slots=True, eq=False)
class Made:
    """A value that no operation made, standing in a body under the storage it is."""

    given: Given
    storage: int
    spec: TensorSpec


@dataclass(slots=True, eq=False)
class Node:
    """A body under construction: a module call, or an API call when ``call`` is set.

    ``inputs`` are the outside tensors in order of first reading, each with how it was first read; ``exports`` the
    storages made inside and read outside. ``phase`` marks the body of a phase; in it, ``twin`` is the body of the
    forward call that a body stands for, ``None`` where there is none or checkpointing ``recomputed`` the call.
    ``numbers`` counts the calls in the finished body by name, ``number`` is that of this one. ``paths`` are those of
    the module calls around its items, innermost first.
    """

    path: str
    class_name: str
    parent: Node | None
    call: Call | None = None
    items: list[Entry] = field(default_factory=list)
    inputs: list[TensorRef] = field(default_factory=list)
    leaves: dict[str, TensorSpec] = field(default_factory=dict)
    exports: dict[int, None] = field(default_factory=dict)
    position: int = -1
    phase: str = ""
    in_phase: int | None = None
    twin: Node | None = None
    recomputed: bool = False
    number: int = 1
    numbers: Counter[str] = field(default_factory=Counter)
    paths: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        around = () if self.parent is None else self.parent.paths
        self.paths = (self.path, *around) if self.call is None else around

    @property
    def forward(self) -> Node | None:
        """The forward body that this one is or stands for."""
        return self if self.in_phase is None else self.twin

    @property
    def block(self) -> Node:
        """The nearest module call: this one, or the one around an API call."""
        return self if self.call is None or self.parent is None else self.parent.block

    def relative(self, path: str) -> str:
        """*path* as this module call names it."""
        return relative(path, self.paths)

    def above(self) -> Iterator[Node]:
        """This node and every node around it, innermost first."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent

    def let_go(self) -> None:
        """Forget the bodies around and inside: they hold each other, so that only Python's collector would free them.

        For the root, when everything is frozen.
        """
        held = [self]
        while held:
            node = held.pop()
            held += [item for item in node.items if isinstance(item, Node)]
            node.items.clear()
            node.parent = node.twin = None

    def input_for(self, reference: TensorRef) -> int | None:
        """Which input *reference* reads, ``None`` when it is not among them yet."""
        storage = reference.storage
        places = [place for place, taken in enumerate(self.inputs) if taken.storage == storage]
        if not places:
            return None
        if len(places) == 1 and self.inputs[places[0]].spec is reference.spec:
            return places[0]  # most are read as they were before
        found = best_base([self.inputs[place].spec for place in places], reference.spec)
        if found is None and self.call is not None:
            found = 0
        return None if found is None else places[found]


Entry: TypeAlias = "Operation | Made | Node"


@dataclass(slots=True)
class Nesting:
    """Where every storage is made, and the demands of one body on others."""

    storages: tuple[Storage, ...]
    homes: dict[int, list[tuple[Node, int, int, TensorSpec]]] = field(default_factory=dict)
    named: list[bool] = field(init=False)

    def __post_init__(self) -> None:
        self.named = [storage.is_leaf for storage in self.storages]

    def is_leaf(self, storage: int) -> bool:
        """Whether the storage is known by name: a module's parameter, buffer or attribute, a gradient, a state."""
        return self.named[storage]

    def make(self, storage: int, node: Node, position: int, spec: TensorSpec) -> None:
        """Note that result *position* of the item that is appended next to *node* is *storage*."""
        self.homes.setdefault(storage, []).append((node, len(node.items), position, spec))

    def home(self, reference: TensorRef) -> tuple[Node, int, int, TensorSpec]:
        """Body, item, result and first reading of what *reference* reads."""
        homes = self.homes[reference.storage]
        if len(homes) == 1:
            return homes[0]
        return homes[best_base([home[3] for home in homes], reference.spec) or 0]

    def demand(self, reference: TensorRef, node: Node) -> None:
        """Let *node* read *reference*: every scope whose edge it crosses declares it."""
        if self.named[reference.storage]:
            self._demand_leaf(reference, node)
            return
        home = self.home(reference)[0]
        if home is node or self.is_saved(home, node):
            return
        within = list(home.above())
        if node in within:
            for crossed in within[: within.index(node)]:
                crossed.exports.setdefault(reference.storage)
        elif node.input_for(reference) is None:
            node.inputs.append(reference)
            assert node.parent is not None
            self.demand(reference, node.parent)

    def is_saved(self, home: Node, reader: Node) -> bool:
        """Whether *reader*, in a phase, reads what the forward pass made: it is named there and crosses no edge."""
        return home.in_phase is None and reader.in_phase is not None and reader.call is None

    def hand_out(self, reference: TensorRef, root: Node) -> None:
        """Let the caller of the model read *reference*: by the exports there are, or by ones that go without saying.

        It goes without saying that a scope hands out the first result of its last item.
        """
        if self.is_leaf(reference.storage):
            self._demand_leaf(reference, root)
            return
        crossed = self.scopes_around(reference)
        if all(reference.storage in node.exports for node in crossed):
            return
        made_in, item, position, _ = self.home(reference)
        ends = [(made_in, item), *((outer, inner.position) for inner, outer in pairwise(crossed))]
        is_last = position == 0 and all(place == len(node.items) - 1 for node, place in ends)
        if is_last and all(set(node.exports) <= {reference.storage} for node in crossed):
            for node in crossed:
                node.exports.setdefault(reference.storage)

    def scopes_around(self, reference: TensorRef) -> list[Node]:
        """The bodies between the root and what *reference* reads, innermost first."""
        return [node for node in self.home(reference)[0].above() if node.parent is not None]

    def _demand_leaf(self, reference: TensorRef, node: Node) -> None:
        storage = self.storages[reference.storage]
        if node.call is None:
            node.leaves.setdefault(node.relative(storage.name or ""), storage.spec)
