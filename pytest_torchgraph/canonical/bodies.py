"""Which body each operation stands in: module calls of the forward pass, and the same calls once more in each phase."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from pytest_torchgraph.canonical.scope_tree import Node
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import Operation

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.record import Record

Placed: TypeAlias = "tuple[Operation, Node]"
_Key: TypeAlias = "tuple[int | None, int, int | None]"


@dataclass(slots=True)
class Placing:
    """The bodies of one graph under construction."""

    graph: Record
    nodes: dict[_Key, Node] = field(default_factory=dict)
    left: dict[_Key, Node] = field(default_factory=dict)
    calls: set[int] = field(default_factory=set)

    @property
    def root(self) -> Node:
        """The body of the traced callable."""
        return self.node(None, 0, None)

    def place(self, operations: list[Operation], calls: set[int]) -> list[Placed]:
        """Each of *operations* with its body, in the order in which they are written.

        Only API calls among *calls* have a body of their own. A body that was left within a phase is not entered
        again: what comes later gets one of its own, so that every value stands above its readers.
        """
        self.calls = calls
        placed: list[Placed] = []
        chain: list[_Key] = []
        ordered = first_recomputed(operations, self.graph)
        for operation, scope in zip(ordered, scopes_of(ordered, self.graph), strict=True):
            phase = self._phase_at(operation.index)
            key = (phase, scope, operation.call if operation.call in calls else None)
            if phase is not None:
                self._leave(chain, key)
                chain = self._chain(key)
            placed.append((operation, self.node(*key)))
        return placed

    def last(self, key: _Key) -> Node | None:
        """The last body of a module call; ``None`` where no work was done for it."""
        return self.nodes.get(key) or self.left.get(key)

    def node(self, phase: int | None, scope: int, call: int | None) -> Node:
        """The body of a module call in the forward pass or a phase, or of an API call inside it."""
        found = self.nodes.get((phase, scope, call))
        if found is None:
            found = self.nodes[phase, scope, call] = self._made(phase, scope, call)
        return found

    def _made(self, phase: int | None, scope: int, call: int | None) -> Node:
        record = self.graph.scopes[scope]
        if call is not None:
            parent: Node | None = self.node(phase, self.graph.calls[call].scope, None)
            return Node(record.path, "", parent, self.graph.calls[call], in_phase=phase)
        if phase is None:
            parent = None if record.parent is None else self.node(None, record.parent, None)
            return Node(record.path, record.class_name, parent)
        if scope == self.graph.phases[phase].scope:
            return self._phase(phase, scope)
        node = Node(record.path, record.class_name, self.node(phase, self._around(phase, scope), None), in_phase=phase)
        node.recomputed = record.recomputed
        if not record.recomputed and (phase, scope, None) not in self.left:
            node.twin = self._twin(scope, node)
        return node

    def _twin(self, scope: int, node: Node) -> Node | None:
        """The forward body of *scope*, where *node* stands in a body that in turn stands for the one around it."""
        twin = self.nodes.get((None, scope, None))
        is_told = twin is not None and node.parent is not None and node.parent.twin is twin.parent
        return twin if is_told else None

    def _phase(self, phase: int, scope: int) -> Node:
        record, around = self.graph.phases[phase], self.node(None, scope, None)
        return Node(around.path, record.title, around, phase=record.name, in_phase=phase, twin=around)

    def _around(self, phase: int, scope: int) -> int:
        """The module call around *scope* in a phase; the phase itself where it was begun in some other call."""
        begun = self.graph.phases[phase].scope
        parent: int | None = scope
        while parent is not None and parent != begun:
            parent = self.graph.scopes[parent].parent
        around = self.graph.scopes[scope].parent
        return begun if parent is None or around is None else around

    def _phase_at(self, index: int) -> int | None:
        for number, phase in enumerate(self.graph.phases):
            if phase.operations[0] <= index < phase.operations[1]:
                return number
        return None

    def _chain(self, key: _Key) -> list[_Key]:
        """*key* and the keys of the bodies around it in the same phase, innermost first."""
        phase, scope, call = key
        chain = [key] if call is not None else []
        assert phase is not None
        while True:
            chain.append((phase, scope, None))
            if scope == self.graph.phases[phase].scope:
                return chain
            scope = self._around(phase, scope)

    def _leave(self, chain: list[_Key], key: _Key) -> None:
        kept = set(self._chain(key))
        for one in chain:
            if one not in kept and one in self.nodes and one[2] is None:
                self.left[one] = self.nodes.pop(one)


def scopes_of(operations: list[Operation], graph: Record) -> list[int]:
    """The module call in which each operation is written.

    A sum of gradients belongs to the call whose value they are of; before that call's turn has come it is written where
    the engine happened to make it, so that it does not take the call around it apart.
    """
    scopes = [operation.scope for operation in operations]
    before: list[Operation | None] = [None]
    for operation in operations:
        before.append(before[-1] if operation.sums_gradients else operation)
    following: Operation | None = None
    for place in range(len(operations) - 1, -1, -1):
        operation = operations[place]
        if operation.sums_gradients:
            scopes[place] = _written_in(operation, before[place], following, graph)
        else:
            following = operation
    return scopes


def _written_in(operation: Operation, before: Operation | None, following: Operation | None, graph: Record) -> int:
    if before is None or following is None or following.phase != operation.phase:
        return operation.scope
    beneath = _scopes_above(following.scope, graph)
    common = next(scope for scope in _scopes_above(before.scope, graph) if scope in beneath)
    return operation.scope if operation.scope in beneath[: beneath.index(common) + 1] else common


def first_recomputed(operations: list[Operation], graph: Record) -> list[Operation]:
    """*operations*, with what checkpointing ran again in the middle of a module call's backward pass put before it.

    What is recomputed reads only forward values, and so may stand before the call that it interrupted.
    """
    ordered: list[Operation] = []
    waiting: list[Operation] = []
    for operation in operations:
        if operation.recomputed:
            waiting.append(operation)
            continue
        if waiting:
            at = _interrupted(ordered, waiting[0], operation, graph)
            ordered[at:at] = waiting
            waiting = []
        ordered.append(operation)
    return ordered + waiting


def _interrupted(ordered: list[Operation], recomputed: Operation, following: Operation, graph: Record) -> int:
    """Where the module call begins that *recomputed* came in the middle of; the end of *ordered* if it did not."""
    beneath = set(_scopes_above(recomputed.scope, graph))
    inside = [scope for scope in _scopes_above(following.scope, graph) if scope not in beneath]
    if not inside:
        return len(ordered)
    at = len(ordered)
    while at and ordered[at - 1].phase == following.phase and inside[-1] in _scopes_above(ordered[at - 1].scope, graph):
        at -= 1
    return at


def _scopes_above(scope: int | None, graph: Record) -> list[int]:
    above = []
    while scope is not None:
        above.append(scope)
        scope = graph.scopes[scope].parent
    return above
