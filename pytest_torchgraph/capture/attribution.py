"""From a log to a training step: which phase each operation belongs to, and which forward operation caused it."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pytest_torchgraph.capture.module import OpenScope
from pytest_torchgraph.capture.node import InGraph, NodeKey, Running, SeenNode
from pytest_torchgraph.capture.operation import Entry
from pytest_torchgraph.capture.phase import Stretch
from pytest_torchgraph.capture.tensor import Raw
from pytest_torchgraph.recorded.phase import BACKWARD, BETWEEN, FORWARD, OPTIMIZER, Phase

ACCUMULATE = "torch::autograd::AccumulateGrad"
COMPILED = "CompiledFunctionBackward"
"""The node of a compiled backward graph, which stands for as many forward operations as the graph has."""
ADDITIONS = ("aten.add.Tensor", "aten.add_.Tensor")


class Link(NamedTuple):
    """What no log says of one operation; see :class:`~pytest_torchgraph.recorded.operation.Operation`."""

    phase: str
    scope: int
    forward: int | None = None
    node: NodeKey | None = None
    recomputed: bool = False
    sums_gradients: bool = False


@dataclass(frozen=True)
class Followed:
    """What was followed of the autograd engine and of optimizers."""

    stretches: list[Stretch]
    nodes: dict[NodeKey, SeenNode]
    first_sequence_number: int


class Linking:
    """Links the operations of one log."""

    def __init__(self, log: list[Entry], scopes: list[OpenScope], followed: Followed) -> None:
        self.log = log
        self.scopes = scopes
        self.followed = followed
        self.numbers = list(numbers_of(log, followed.first_sequence_number))
        # Nodes of several threads have the same numbers: what caused an operation cannot be told by them.
        self.is_numbered_twice = made_elsewhere(log)
        self.links: list[Link] = []
        # For a recomputed module call: the one that was there first, and the one that it now stands beneath.
        self.originals: dict[int, int] = {}
        self.parents: dict[int, int] = {}
        self._fan_in = Counter(edge for node in followed.nodes.values() for edge in node.edges if edge)
        self._summed: Counter[tuple[NodeKey, int]] = Counter()
        self._makers: dict[int, NodeKey | None] = {}
        self._in_graphs: dict[tuple[int, int | None], int] = {}

    def link(self) -> list[Link]:
        """One link for each entry, in order; scopes of recomputed modules find their place on the way."""
        phases = phase_names(self.log, self.scopes, self.followed)
        for index, (entry, phase) in enumerate(zip(self.log, phases, strict=True)):
            link = self._backward(index, entry) if phase == BACKWARD else Link(phase, entry.scope)
            inside = None if entry.running is None else entry.running.inside
            if inside is not None and phase == FORWARD:
                self._in_graphs[inside.run, inside.sequence_number] = index
            self.links.append(link)
        return self.links

    def forward_of(self, key: NodeKey | None) -> int | None:
        """The operation during which the node *key* was made."""
        if not isinstance(key, int) or key < self.followed.first_sequence_number or self.is_numbered_twice:
            return None
        index = bisect_right(self.numbers, key)
        return index if index < len(self.log) else None

    def _backward(self, index: int, entry: Entry) -> Link:
        running = entry.running
        if running is None:
            return Link(BACKWARD, entry.scope)
        if running.inside is not None:
            return self._in_graph(entry, running, running.inside)
        forward = self.forward_of(running.key)
        if running.recomputes:
            return Link(BACKWARD, self._recomputing_scope(entry.scope, forward), forward, running.key, recomputed=True)
        for raw in results_of(entry):
            self._makers[raw.value] = running.key
        target = self._summed_for(index, entry)
        if target is not None:
            return self._summing(entry, running, forward, target)
        return self._of_node(entry, running, forward)

    def _summing(self, entry: Entry, running: Running, forward: int | None, target: NodeKey) -> Link:
        """The link of an addition of gradients of what the node *target* was made with."""
        if COMPILED in (running.name, self.followed.nodes[target].name):
            return Link(BACKWARD, entry.scope, None, running.key, sums_gradients=True)
        summed = self.forward_of(target)
        scope = self._scope_of(forward if summed is None else summed, entry.scope)
        return Link(BACKWARD, scope, summed, running.key, sums_gradients=True)

    def _of_node(self, entry: Entry, running: Running, forward: int | None) -> Link:
        """The link of an operation that the formula of the node *running* does."""
        if running.name == COMPILED:
            return Link(BACKWARD, entry.scope, None, running.key)
        if running.name == ACCUMULATE:
            return Link(BACKWARD, self._scope_before(entry.scope), None, running.key)
        return Link(BACKWARD, self._scope_of(forward, entry.scope), forward, running.key)

    def _in_graph(self, entry: Entry, running: Running, inside: InGraph) -> Link:
        """The link of an operation of a compiled backward graph: of two forward ones with its number, the later."""
        forward = self._in_graphs.get((inside.run, inside.sequence_number))
        return Link(BACKWARD, entry.scope, forward, running.key, inside.recomputed, inside.sums_gradients)

    def _scope_of(self, forward: int | None, around: int) -> int:
        """The module call of a forward operation; of one that was recomputed, the call that was there first."""
        if forward is None or forward >= len(self.links):
            return around
        scope = self.links[forward].scope
        return self.originals.get(scope, scope)

    def _scope_before(self, around: int) -> int:
        """The scope of the operation before: what an ``AccumulateGrad`` was handed comes from there."""
        for before in reversed(self.links):
            if before.phase != BACKWARD:
                break
            if not before.sums_gradients:
                return before.scope
        return around

    def _summed_for(self, index: int, entry: Entry) -> NodeKey | None:
        """The node for which the engine itself adds two gradients in *entry*; ``None`` when a formula adds them.

        The engine adds after the node that made the later gradient has run, so the addition seems to be that node's.
        Wrong where a formula ends with an addition of two tensors that it did not make, of the shape of a value that
        is read twice; and of two such values of one shape the wrong one may be told.
        """
        running = entry.running
        if entry.overload.name not in ADDITIONS or entry.keywords or running is None or running.key is None:
            return None
        if self.is_numbered_twice or self._is_followed_by_own_work(index):
            return None
        node = self.followed.nodes.get(running.key)
        readings = [value for value in entry.arguments if isinstance(value, Raw)]
        if node is None or len(readings) != 2 or readings[0].shape != readings[1].shape:
            return None
        if all(self._makers.get(raw.value, "none") == running.key for raw in readings):
            return None
        for edge in node.edges:
            if edge and self._summed[edge] < self._fan_in[edge] - 1 and self._has_shape(edge, readings[0]):
                self._summed[edge] += 1
                return edge[0]
        return None

    def _is_followed_by_own_work(self, index: int) -> bool:
        """Whether the node that runs at *index* does anything but additions after it."""
        running = self.log[index].running
        for entry in self.log[index + 1 :]:
            if entry.running is None or running is None or entry.running.key != running.key:
                return False
            if entry.overload.name not in ADDITIONS and not entry.overload.is_view:
                return True
        return False

    def _has_shape(self, edge: tuple[NodeKey, int], summed: Raw) -> bool:
        """Whether the forward value behind *edge* has the shape of the gradient, as far as that is known."""
        forward = self.forward_of(edge[0])
        if forward is None:
            return True
        shapes = [raw.shape for raw in results_of(self.log[forward])]
        return edge[1] >= len(shapes) or shapes[edge[1]] == summed.shape

    def _recomputing_scope(self, scope: int, forward: int | None) -> int:
        """*scope*, in its place: beneath the module call whose backward pass needs what is recomputed in it."""
        if scope in self.originals:
            return scope
        chain = list(scopes_above(scope, self.scopes))
        begun = self._pass_start()
        fresh = [one for one in chain if self.scopes[one].start >= begun and one]
        needed = self._scope_of(forward, 0)
        for one in reversed(fresh):
            if one not in self.originals:
                self._adopt(one, needed)
        return scope

    def _adopt(self, scope: int, needed: int) -> None:
        record = self.scopes[scope]
        parent = record.parent
        if parent is not None and parent in self.originals:
            self.originals[scope] = self._child_like(record.path, self.originals[parent], scope)
            return
        around = [one for one in scopes_above(needed, self.scopes) if self.scopes[one].path == record.path and one]
        if around:
            self.originals[scope] = self.parents[scope] = around[0]
        else:
            self.originals[scope] = self._call_of(record.path, scope)

    def _child_like(self, path: str, parent: int, scope: int) -> int:
        """The first module call beneath *parent* with the path of a recomputed one, that no other took yet."""
        taken = set(self.originals.values())
        found = [
            index
            for index, one in enumerate(self.scopes)
            if one.parent == parent and one.path == path and index not in self.originals and index != scope
        ]
        return next((one for one in found if one not in taken), found[0] if found else scope)

    def _call_of(self, path: str, scope: int) -> int:
        """The last call of the module at *path* before it was recomputed in *scope*."""
        found = [
            index for index, one in enumerate(self.scopes[:scope]) if one.path == path and index not in self.originals
        ]
        return found[-1] if found else scope

    def _pass_start(self) -> int:
        begun = [one.start for one in self.followed.stretches if one.name == BACKWARD]
        return max((start for start in begun if start <= len(self.links)), default=0)


def numbers_of(log: list[Entry], first: int) -> Iterator[int]:
    """The sequence number in the run's own thread after each operation; those of other threads make none there."""
    number = first
    for entry in log:
        number = max(entry.sequence_number, number)
        yield number


def made_elsewhere(log: list[Entry]) -> bool:
    """Whether threads that the model started made autograd nodes."""
    return any(entry.sequence_number < -1 for entry in log)


def results_of(entry: Entry) -> list[Raw]:
    """The tensors that an operation returned."""
    results = entry.results
    values = results if isinstance(results, tuple) and not isinstance(results, Raw) else (results,)
    return [value for value in values if isinstance(value, Raw)]


def scopes_above(scope: int, scopes: list[OpenScope]) -> Iterator[int]:
    """*scope* and every scope around it, innermost first."""
    above: int | None = scope
    while above is not None:
        yield above
        above = scopes[above].parent


def phase_names(log: list[Entry], scopes: list[OpenScope], followed: Followed) -> list[str]:
    """The phase of each entry.

    After a backward pass or an optimizer step, operations lie between phases until a module is called or an operation
    makes an autograd node: then the next forward pass has begun. A closure that an optimizer calls is no step; a step
    that a hook makes in a backward pass is one.
    """
    names: list[str] = []
    base, since, numbered = FORWARD, 0, followed.first_sequence_number
    around: dict[str, int] = {}
    changes = {bound for one in followed.stretches for bound in (one.start, one.end)}
    for index, entry in enumerate(log):
        if index in changes:
            around = open_at(index, followed.stretches)
        makes_node, numbered = entry.sequence_number > numbered, max(entry.sequence_number, numbered)
        start = scopes[entry.scope].start if entry.scope else -1
        innermost = next(reversed(around), None)
        if innermost == BACKWARD:
            name = BACKWARD
        elif innermost == OPTIMIZER:
            in_closure = bool(names) and names[-1] == FORWARD and index > around[OPTIMIZER]
            name = FORWARD if makes_node or start >= around[OPTIMIZER] or in_closure else OPTIMIZER
        else:
            name = base = FORWARD if makes_node or start >= since else base
        if name in (BACKWARD, OPTIMIZER):
            base, since = BETWEEN, index + 1
        names.append(name)
    return names


def open_at(index: int, stretches: list[Stretch]) -> dict[str, int]:
    """The stretches around operation *index* by name and the clock when each began, the innermost last."""
    around: dict[str, int] = {}
    for one in stretches:
        if one.start <= index and not ended(one, index):
            around.pop(one.name, None)
            around[one.name] = one.start
    return around


def ended(stretch: Stretch, index: int) -> bool:
    """Whether the stretch is over at operation *index*."""
    return stretch.end is not None and stretch.end <= index


def begun_in(entries: list[Entry], scopes: list[OpenScope], start: int) -> int:
    """The module call in which a phase was begun: the innermost one that was open before it.

    Operations of compiled graphs say nothing of it: they are told where their forward operations ran.
    """
    around = {entry.scope for entry in entries if entry.running is None or entry.running.inside is None}
    return max(
        (scope for one in around for scope in scopes_above(one, scopes) if scopes[scope].start < start),
        default=0,
    )


def phases_of(log: list[Entry], links: list[Link], scopes: list[OpenScope], followed: Followed) -> tuple[Phase, ...]:
    """The stretches of operations that are not forward, in order; two backward passes are two."""
    bounds = {stretch.start for stretch in followed.stretches}
    phases: list[Phase] = []
    start = 0
    for index in range(1, len(links) + 1):
        if index < len(links) and links[index].phase == links[start].phase and index not in bounds:
            continue
        if links and links[start].phase != FORWARD:
            phases.append(_phase(links[start].phase, start, index, begun_in(log[start:index], scopes, start), followed))
        start = index
    return tuple(phases)


def _phase(name: str, start: int, end: int, scope: int, followed: Followed) -> Phase:
    if name == OPTIMIZER:
        steps = [
            one for one in followed.stretches if one.name == OPTIMIZER and one.start <= start and not ended(one, start)
        ]
        if steps:
            return Phase(name, (start, end), scope, steps[-1].title, steps[-1].hyperparameters)
    return Phase(name, (start, end), scope)
