"""From a recorded graph to the canonical one: what is compared, and nothing else.

Dropped: operations that launch no kernel (an operand keeps the geometry it reads), source lines, the timeline,
versions, FLOPs, the identity of tensors, invisible strides, and scopes in which no work is done. Kept: every operation
that does work, in order and in its scope, with all arguments, dtypes, shapes and strides; the tensors that went in and
came out; the modes of the run; operation counts, parameter and buffer bytes, the peak and
what is alive there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import field, replace
from typing import TYPE_CHECKING

from pytest_torchgraph.analysis.collective import message_bytes
from pytest_torchgraph.analysis.cost import total_bytes
from pytest_torchgraph.canonical.alive import alive_at_peak, place_of_peak
from pytest_torchgraph.canonical.bodies import Placed, Placing
from pytest_torchgraph.canonical.items import Settling
from pytest_torchgraph.canonical.metric import GROUP_METRICS
from pytest_torchgraph.canonical.parameter_loops import NOTHING_ALIKE, Alike, gathered
from pytest_torchgraph.canonical.program import Given, ModuleCall, Operand, PhaseBlock, Program
from pytest_torchgraph.canonical.reading import canonical_spec
from pytest_torchgraph.canonical.row import NotAlike, Row, Rows
from pytest_torchgraph.canonical.row import Placed as PlacedRow
from pytest_torchgraph.canonical.run import run_of
from pytest_torchgraph.canonical.scope_tree import Made, Nesting, Node
from pytest_torchgraph.canonical.unrolled_loops import known_leaves
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.compilation import Compilation
from pytest_torchgraph.recorded.kinds import GROUPS, Doing, counted
from pytest_torchgraph.recorded.operation import Operation, flat_results, operands_of, tensors_in, tensors_of
from pytest_torchgraph.recorded.phase import BACKWARD, BETWEEN, FORWARD, OPTIMIZER, PHASES
from pytest_torchgraph.recorded.tensor import TensorRef

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.record import Record


def canonical(
    graph: Record,
    rows: Iterable[Row] = (),
    alike: Iterable[Alike] = (),
    skipped: Collection[int] = frozenset(),
) -> Program:
    """The canonical graph of *graph*.

    The operations at the positions *skipped* are those of later calls of *rows*, for which the second ones stand, and
    of what is done for parameters that are *alike*, for which the first one stands; then
    :class:`~pytest_torchgraph.canonical.row.NotAlike` may be raised.
    """
    block, outputs = settled(graph, rows, skipped)
    return Program(
        run=run_of(graph.origin, graph.compilation),
        metrics=metrics_of(graph),
        peak_at=place_of_peak(graph),
        alive=alive_at_peak(graph),
        compilation=graph.compilation,
        root=with_gathered_phases(block, graph, alike),
        outputs=outputs,
    )


def settled(
    graph: Record, rows: Iterable[Row], skipped: Collection[int]
) -> tuple[ModuleCall, tuple[tuple[str, Operand], ...]]:
    """The root of the canonical graph before anything in it is gathered, and what it returns."""
    builder = Builder(graph, skipped)
    root = builder.build()
    settling = Settling(builder.nesting, graph, Rows(builder.placed_rows(rows)))
    for _, reference in graph.outputs:
        builder.nesting.hand_out(reference, root)
    settling.order_exports(root)
    block = settling.root(root)
    outputs = tuple([(path, settling.output(reference, root)) for path, reference in graph.outputs])
    root.let_go()
    return block, outputs


def with_gathered_phases(root: ModuleCall, graph: Record, alike: Iterable[Alike] = ()) -> ModuleCall:
    """*root* with the work of its phases gathered by parameter."""
    phases = [isinstance(item, PhaseBlock) and item.name in (BETWEEN, OPTIMIZER) for item in root.items]
    if not any(phases):
        return root
    # A loop tells sizes by those of its parameters, so these must stand elsewhere in the file.
    others = tuple(item for item, is_phase in zip(root.items, phases, strict=True) if not is_phase)
    told = {path for path, _ in (*root.leaves, *known_leaves(others, ("",)))}
    parameters = {one.name: one.spec for one in graph.storages if one.kind == "parameter" and one.name in told}
    waiting = list(alike)
    items = [
        gathered(item, parameters, taken(waiting, item)) if is_phase and isinstance(item, PhaseBlock) else item
        for item, is_phase in zip(root.items, phases, strict=True)
    ]
    if waiting:
        raise NotAlike
    return replace(root, items=tuple(items))


def taken(waiting: list[Alike], block: PhaseBlock) -> Alike:
    """What is alike in the step *block*, which is *waiting* no longer."""
    found = next((one for one in waiting if one.is_of(block)), None)
    if found is None:
        return NOTHING_ALIKE
    waiting.remove(found)
    return found


def metrics_of(graph: Record) -> tuple[tuple[str, int], ...]:
    """The numbers at the head of a snapshot, in file order."""
    done = counted(graph.operations)
    return (
        *phase_metrics(graph),
        *((name, number_in(name, done)) for name in ("ops", *GROUP_METRICS)),
        *collective_metrics(graph, number_in("collectives", done)),
        ("parameters", graph.memory.parameter_bytes),
        ("buffers", graph.memory.buffer_bytes),
        *training_metrics(graph),
        *compile_metrics(graph.compilation),
        ("peak", graph.memory.peak),
    )


def number_in(group: str, done: Counter[Doing]) -> int:
    """How many of what was *done* are counted in *group*."""
    tells = GROUPS[group]
    return sum(number for what, number in done.items() if tells(what))


def phase_metrics(graph: Record) -> Iterator[tuple[str, int]]:
    """How many operations each phase has, where there is one beside the forward pass."""
    present = {phase.name for phase in graph.phases}
    if present:
        counts = Counter(operation.phase for operation in graph.operations if not operation.is_view)
        yield from ((f"{name}.ops", counts[name]) for name in PHASES if name == FORWARD or name in present)


def compile_metrics(compilation: Compilation | None) -> Iterator[tuple[str, int]]:
    """What the compiler made of a compiled model, in numbers."""
    if compilation is not None:
        yield from compilation.counts
        yield "uncompiled", compilation.uncompiled


def collective_metrics(graph: Record, collectives: int) -> Iterator[tuple[str, int]]:
    """How many collectives there are and the bytes of their messages, where there are any."""
    if collectives:
        yield "collectives", collectives
        total = total_bytes(graph.operations, message_bytes).exactly()
        yield from () if total is None else (("communicated", total),)


def training_metrics(graph: Record) -> Iterator[tuple[str, int]]:
    """Bytes that only training has a use for: saved for a backward pass, gradients, an optimizer's state."""
    if graph.memory.lives is None:
        return
    present = {phase.name for phase in graph.phases}
    if graph.memory.saved is not None:
        yield "saved", graph.memory.saved
    if BACKWARD in present:
        yield "gradients", graph.memory.total("gradients")
    if OPTIMIZER in present:
        yield "state", graph.memory.total("optimizer state")


@dataclass(slots=True)
class Builder:
    """Builds the tree of scopes of one graph."""

    graph: Record
    skipped: Collection[int] = frozenset()
    nesting: Nesting = field(init=False)
    placing: Placing = field(init=False)
    pending: dict[int, list[tuple[Made, Node]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.nesting = Nesting(self.graph.storages)
        self.placing = Placing(self.graph)

    def build(self) -> Node:
        """The root body, every operation in its place."""
        root = self.placing.root
        self._give_inputs(root)
        work = [
            operation
            for position, operation in enumerate(self.graph.operations)
            if not (operation.is_view or position in self.skipped)
        ]
        placed = self.placing.place(work, self._kept_calls(work))
        self._plan_constants(placed)
        for operation, node in placed:
            self._give_pending(-1 - operation.index)
            self._open(node)
            self._place(operation, node)
        return root

    def placed_rows(self, rows: Iterable[Row]) -> Iterator[PlacedRow]:
        """*rows* in the bodies that were built; of calls without work there is nothing to place."""
        for row in rows:
            first, second = (self.placing.last((row.phase, scope, None)) for scope in (row.first, row.second))
            if first is not None and second is not None:
                yield PlacedRow(first, second, row.paths)

    def _kept_calls(self, work: list[Operation]) -> set[int]:
        """The API calls whose operations see only their arguments and what they make themselves."""
        made: dict[int, set[int]] = {
            call.index: {reference.storage for reference in tensors_of(call)} for call in self.graph.calls
        }
        kept = set(made)
        for operation in work:
            call = operation.call
            if call is None:
                continue
            for reference in operands_of(operation):
                storage = self.graph.storages[reference.storage]
                if reference.storage not in made[call] and storage.kind != "constant":
                    kept.discard(call)
            made[call] |= {reference.storage for reference in tensors_in(operation.results)}
            if operation.scope != self.graph.calls[call].scope:
                kept.discard(call)
        return kept

    def _give_inputs(self, root: Node) -> None:
        for path, reference in sorted_by_template(self.graph.inputs):
            if self.nesting.is_leaf(reference.storage):
                continue
            given = Made(Given("input", path, canonical_spec(reference.spec)), reference.storage, reference.spec)
            self._append_given(given, root)

    def _give_pending(self, key: int) -> None:
        for made, node in self.pending.pop(key, ()):
            self._append_given(made, node)

    def _append_given(self, made: Made, node: Node) -> None:
        self.nesting.make(made.storage, node, 0, made.spec)
        node.items.append(made)

    def _plan_constants(self, placed: list[Placed]) -> None:
        """Find, for every value that no work made, the innermost body around all its readers."""
        made: set[int] = set(self.nesting.homes)
        readers: dict[int, list[Node]] = {}
        first: dict[int, Operation] = {}
        for operation, node in placed:
            for reference, reader in readings_of(operation, node):
                if reference.storage in made or self.nesting.is_leaf(reference.storage):
                    continue
                readers.setdefault(reference.storage, []).append(reader)
                first.setdefault(reference.storage, operation)
            made |= {reference.storage for reference in tensors_in(operation.results)}
        for _, reference in self.graph.outputs:
            if reference.storage not in made and not self.nesting.is_leaf(reference.storage):
                readers.setdefault(reference.storage, []).append(self.placing.root)
        for storage, nodes in readers.items():
            self._plan_constant(storage, nodes, first.get(storage))

    def _plan_constant(self, storage: int, nodes: list[Node], first: Operation | None) -> None:
        around = common_node(nodes)
        spec = self.graph.storages[storage].spec
        made = Made(Given("constant", "", canonical_spec(spec)), storage, spec)
        if first is None:
            self._append_given(made, around)
            return
        chain = [node for node in nodes[0].above() if node.parent is around]
        key = id(chain[0]) if chain else -1 - first.index
        self.pending.setdefault(key, []).append((made, around))

    def _open(self, node: Node) -> None:
        """Give *node* its place in the body around it, with the first of its operations."""
        if node.parent is None or node.position >= 0:
            return
        self._open(node.parent)
        self._give_pending(id(node))
        node.position = len(node.parent.items)
        node.parent.items.append(node)
        if node.call is not None:
            for reference in tensors_of(node.call):
                self.nesting.demand(reference, node.parent)
                node.inputs.append(reference)

    def _place(self, operation: Operation, node: Node) -> None:
        for reference in operands_of(operation):
            self.nesting.demand(reference, node)
        for position, result in enumerate(flat_results(operation)):
            if isinstance(result, TensorRef) and self._is_made_by(operation, result):
                self.nesting.make(result.storage, node, position, result.spec)
            elif isinstance(result, TensorRef):
                self.nesting.demand(result, node)
        node.items.append(operation)

    def _is_made_by(self, operation: Operation, result: TensorRef) -> bool:
        return (
            result.storage not in self.nesting.homes and self.graph.storages[result.storage].producer == operation.index
        )


def readings_of(operation: Operation, node: Node) -> Iterator[tuple[TensorRef, Node]]:
    """What an operation reads and where; inside an API call, what the call was given, read where the call stands."""
    if node.call is not None and node.parent is not None:
        yield from ((reference, node.parent) for reference in tensors_of(node.call))
    yield from ((reference, node) for reference in operands_of(operation))


def common_node(nodes: list[Node]) -> Node:
    """The innermost node around all of *nodes*."""
    common = list(nodes[0].above())
    for node in nodes[1:]:
        chain = set(map(id, node.above()))
        common = [candidate for candidate in common if id(candidate) in chain]
    return common[0]


def sorted_by_template(named: tuple[tuple[str, TensorRef], ...]) -> list[tuple[str, TensorRef]]:
    """Names that differ only in their numbers side by side, so that the inputs of 32 layers can be folded."""
    first: dict[str, int] = {}
    for place, (path, _) in enumerate(named):
        first.setdefault(re.sub(r"\d+", "0", path), place)
    return sorted(named, key=lambda entry: first[re.sub(r"\d+", "0", entry[0])])
