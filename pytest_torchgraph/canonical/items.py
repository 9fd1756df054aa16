"""From the finished tree of scopes to frozen items, every value told by position."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

from pytest_torchgraph.canonical.program import (
    Argument,
    CalledBlock,
    Inner,
    Item,
    ModuleCall,
    Operand,
    Outcome,
    PhaseBlock,
    RecomputedCall,
    Result,
    Saved,
    Semantic,
    Work,
    operand_of,
)
from pytest_torchgraph.canonical.reading import canonical_spec, reading_of
from pytest_torchgraph.canonical.row import Rows
from pytest_torchgraph.canonical.scope_tree import Made, Nesting, Node
from pytest_torchgraph.canonical.step_scalars import Steps
from pytest_torchgraph.recorded.kinds import wait_of
from pytest_torchgraph.recorded.operation import Argument as RecordedArgument
from pytest_torchgraph.recorded.operation import Operation, flat_results, operands_of, tensors_in
from pytest_torchgraph.recorded.tensor import TensorRef, TensorSpec

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.record import Record


class Settling:
    """Freezes bodies once every scope knows what crosses its edge."""

    def __init__(self, nesting: Nesting, graph: Record, rows: Rows | None = None) -> None:
        self.nesting = nesting
        self.rows = Rows(()) if rows is None else rows
        self.graph = graph
        self.steps = Steps(graph)
        self.has_roles = any(storage.role is not None for storage in graph.storages)
        self._specs: dict[int, TensorSpec] = {}

    def order_exports(self, node: Node) -> None:
        """Order what leaves each body as it is made."""
        for item in node.items:
            if isinstance(item, Node):
                self.order_exports(item)
        node.exports = dict.fromkeys(sorted(node.exports, key=lambda storage: self._made_at(storage, node)))

    def _made_at(self, storage: int, node: Node) -> tuple[int, int]:
        result = self._inside(storage, node)
        return (result.item, result.position)

    def _inside(self, storage: int, node: Node, home: tuple[Node, int, int, TensorSpec] | None = None) -> Result:
        """The item of *node* that makes *storage*, itself or in a body inside it."""
        made_in, item, position, _ = home or self.nesting.homes[storage][0]
        if made_in is node:
            return Result(item, position)
        child = next(inner for inner in made_in.above() if inner.parent is node)
        return Result(child.position, list(child.exports).index(storage))

    def operand(self, reference: TensorRef, node: Node) -> Operand:
        """How the body of *node* names and reads one tensor."""
        is_leaf = self.nesting.is_leaf(reference.storage)
        if is_leaf and node.call is None:
            storage = self.graph.storages[reference.storage]
            return self._read(node.relative(storage.name or ""), reference.spec, storage.spec)
        if not is_leaf:
            home = self.nesting.home(reference)
            if home[0] is node:
                return self._read(home[1:3], reference.spec, home[3])
            if node in home[0].above():
                result = self._inside(reference.storage, node, home)
                return self._read((result.item, result.position), reference.spec, home[3])
            if self.nesting.is_saved(home[0], node):
                return self._saved(reference, home, node)
        place = node.input_for(reference)
        assert place is not None
        return self._read(place, reference.spec, node.inputs[place].spec)

    def _read(self, named: int | str | tuple[int, int], spec: TensorSpec, base: TensorSpec) -> Operand:
        """An input, a leaf or a result, read as *spec*."""
        plain = operand_of(named)
        reading = None if spec is base else reading_of(spec, base)
        return plain if reading is None else Operand(plain.reference, reading)

    def _saved(self, reference: TensorRef, home: tuple[Node, int, int, TensorSpec], node: Node) -> Operand:
        """How a phase names what the forward pass made: from the nearest forward call that has it."""
        for up, around in enumerate(node.block.above()):
            told = self._saved_in(around.forward, reference, home, up) if around.forward is not None else None
            if told is not None:
                return told
            self.rows.leave(around)
        raise AssertionError("the root body has every forward value")

    def _saved_in(
        self, forward: Node, reference: TensorRef, home: tuple[Node, int, int, TensorSpec], up: int
    ) -> Operand | None:
        """How a forward value is named from the call *forward*, *up* blocks further out; ``None`` where it has none."""
        made_in, item, position, spec = home
        inside = list(made_in.above())
        if forward in inside:
            steps = [self.rows.place(inner) for inner in reversed(inside[: inside.index(forward)])]
            steps.append(self.rows.position(made_in, item))
            return Operand(Saved(up, tuple(steps), position), reading_of(reference.spec, spec))
        place = forward.input_for(reference)
        if place is None:
            return None
        return Operand(Saved(up, (), place), reading_of(reference.spec, forward.inputs[place].spec))

    def output(self, reference: TensorRef, root: Node) -> Operand:
        """How the caller of the model names and reads one tensor."""
        if not self.nesting.is_leaf(reference.storage):
            crossed = self.nesting.scopes_around(reference)
            if not all(reference.storage in node.exports for node in crossed):
                _, item, position, spec = self.nesting.home(reference)
                steps = (*(node.position for node in reversed(crossed)), item)
                return Operand(self.rows.steps(Inner(steps, position), root), reading_of(reference.spec, spec))
        return self.rows.moved(self.operand(reference, root), root)

    def argument(self, value: RecordedArgument, node: Node) -> Argument:
        """One argument, its tensors as operands of *node*."""
        if isinstance(value, TensorRef):
            return self.operand(value, node)
        if isinstance(value, tuple):
            return self.arguments(value, node)
        return value

    def arguments(self, values: tuple[RecordedArgument, ...], node: Node) -> tuple[Argument, ...]:
        """Several arguments."""
        return tuple([self.argument(value, node) for value in values])

    def items(self, node: Node) -> tuple[Item, ...]:
        """The frozen body of *node*."""
        return tuple([self._item(position, item, node) for position, item in enumerate(node.items)])

    def _item(self, position: int, item: Operation | Made | Node, node: Node) -> Item:
        if isinstance(item, Made):
            return item.given
        if isinstance(item, Operation):
            return self.work(position, item, node)
        return self.semantic(item, node) if item.call is not None else self.block(item)

    def block(self, node: Node) -> PhaseBlock | CalledBlock:
        """The frozen module call or phase."""
        name = name_of(node)
        node.number = number_of(node, name)
        kind = PhaseBlock if node.phase else RecomputedCall if is_again(node) else ModuleCall
        block = kind(
            name=name,
            call=node.number,
            class_name=node.class_name,
            inputs=tuple(self.operand(taken, node.parent) for taken in node.inputs) if node.parent else (),
            leaves=tuple((path, canonical_spec(spec)) for path, spec in node.leaves.items()),
            items=self.items(node),
            exports=self._exports(node),
        )
        return self.rows.written_out(block, node)

    def root(self, node: Node) -> ModuleCall:
        """The frozen root body."""
        block = self.block(node)
        assert isinstance(block, ModuleCall)
        return block

    def semantic(self, node: Node, around: Node) -> Semantic:
        """The frozen API call."""
        call = node.call
        assert call is not None
        first = next((item.index for item in node.items if isinstance(item, Operation)), None)
        return Semantic(
            name=call.name,
            arguments=tuple(self.argument(value, around) for value in call.arguments),
            keywords=tuple((name, self.argument(value, around)) for name, value in call.keywords),
            items=self.items(node),
            exports=self._exports(node),
            source=first,
        )

    def _exports(self, node: Node) -> tuple[Result, ...]:
        return tuple(self._inside(storage, node) for storage in node.exports)

    def work(self, position: int, operation: Operation, node: Node) -> Work:
        """The frozen operation."""
        arguments, keywords = self.steps.masked(operation)
        return Work(
            name=operation.name,
            arguments=self.arguments(arguments, node),
            keywords=tuple([(name, self.argument(value, node)) for name, value in keywords]) if keywords else (),
            outcomes=() if returns_what_it_wrote(operation) else self._outcomes(position, operation, node),
            becomes=tuple(self._becomes(operation, position, node)) if self.has_roles else (),
            wait=wait_of(operation.name, is_sync=operation.is_sync),
            source=operation.index,
        )

    def _becomes(self, operation: Operation, position: int, node: Node) -> Iterator[tuple[int, str]]:
        for place, result in enumerate(flat_results(operation)):
            if not isinstance(result, TensorRef) or self.graph.storages[result.storage].role is None:
                continue
            if self._is_home(result, (node, position), place):
                yield place, node.relative(self.graph.storages[result.storage].name or "")

    def _outcomes(self, position: int, operation: Operation, node: Node) -> tuple[Outcome, ...]:
        places = count()
        return tuple([self._outcome(value, (node, position), places) for value in operation.results])

    def _outcome(self, value: RecordedArgument, item: tuple[Node, int], places: Iterator[int]) -> Outcome:
        """What a result of *item* is; *places* counts the results, nested ones included."""
        if isinstance(value, tuple):
            return tuple([self._outcome(part, item, places) for part in value])
        place = next(places)
        if not isinstance(value, TensorRef):
            return value
        if self._is_home(value, item, place):
            return self._as_made(value.spec)
        return self.operand(value, item[0])

    def _as_made(self, spec: TensorSpec) -> TensorSpec:
        """The canonical form of *spec*; the record holds each distinct one once, so its ``id`` stays its own."""
        found = self._specs.get(id(spec))
        if found is None:
            found = self._specs[id(spec)] = canonical_spec(spec)
        return found

    def _is_home(self, reference: TensorRef, item: tuple[Node, int], place: int) -> bool:
        """Whether result *place* of *item* is where *reference* was made."""
        node, position = item
        for home in self.nesting.homes.get(reference.storage, ()):
            if home[0] is node and home[1] == position and home[2] == place:
                return True
        return False


def name_of(node: Node) -> str:
    """What the body around *node* calls it; ``""`` for the root, and for the call around it when that is recomputed."""
    if node.phase or node.parent is None:
        return node.phase
    return "" if is_again(node) and node.path == node.parent.path else node.parent.relative(node.path)


def number_of(node: Node, name: str) -> int:
    """Which call of that name in the body around it *node* is, or stands for; which of those that are made again."""
    if node.parent is None:
        return 1
    if node.twin is not None and not node.phase:
        return node.twin.number
    around, again = node.parent, is_again(node)
    key = f"phase {name}" if node.phase else f"again {name}" if again else name
    if not node.phase and not node.recomputed and node.in_phase is not None and around.twin is not None:
        around.numbers[key] = max(around.numbers[key], around.twin.numbers[key])
    around.numbers[key] += 1
    return around.numbers[key]


def is_again(node: Node) -> bool:
    """Whether *node* is the outermost body of what checkpointing recomputed."""
    return node.recomputed and not (node.parent is not None and node.parent.recomputed)


def returns_what_it_wrote(operation: Operation) -> bool:
    """Whether the results are just the operands that were written, read as they were given."""
    if not operation.writes:
        return not operation.results
    results = tensors_in(operation.results)
    if not results:
        return not operation.results
    written = [reference for reference in operands_of(operation) if reference.storage in operation.writes]
    return [(result.storage, result.spec) for result in results] == [
        (reference.storage, reference.spec) for reference in written[: len(results)]
    ]
