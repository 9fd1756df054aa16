"""The operations of a graph as a tree of module calls for each phase, and which of them reads which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from pytest_torchgraph.graph import Graph
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.module import Scope
from pytest_torchgraph.recorded.operation import Operation, tensors_in
from pytest_torchgraph.recorded.phase import FORWARD, PHASES
from pytest_torchgraph.recorded.tensor import TensorRef


@dataclass(eq=False, slots=True)
class Branch:
    """A module call, an API call, an operation, an input or the outputs, while the tree grows.

    ``edges`` lead from child to child by position; ``inputs`` say which children read each value from outside,
    by the branch that made it; ``outputs`` are the children whose values are read outside.
    """

    parent: Branch | None
    title: str
    class_name: str = ""
    path: str = ""
    operation: Operation | None = None
    role: str = "module"
    text: str = ""
    position: int = 0
    depth: int = 0
    children: list[Branch] = field(default_factory=list)
    edges: dict[tuple[int, int], None] = field(default_factory=dict)
    inputs: dict[Branch, dict[int, None]] = field(default_factory=dict)
    outputs: dict[int, None] = field(default_factory=dict)

    def add(self, child: Branch) -> Branch:
        """*child*, now the last one of this branch."""
        child.parent, child.position, child.depth = self, len(self.children), self.depth + 1
        self.children.append(child)
        return child


class Growing:
    """Grows the tree of every phase of one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.lanes: dict[str, Branch] = {}
        self.scopes: dict[tuple[str, object], Branch] = {}
        self.calls: dict[tuple[str, int], Branch] = {}
        self.named: dict[tuple[Branch, str], int] = {}
        self.writer: dict[int, Branch] = {}

    def grow(self) -> dict[str, Branch]:
        """The root of each phase, in the order in which a training step has them."""
        self._inputs()
        for operation in self.graph.operations:
            if not operation.is_view:
                self._operation(operation)
        self._outputs()
        return {phase: self.lanes[phase] for phase in sorted(self.lanes, key=order)}

    def _lane(self, phase: str) -> Branch:
        if phase not in self.lanes:
            self.lanes[phase] = Branch(None, phase, self.graph.scopes[0].class_name)
        return self.lanes[phase]

    def _inputs(self) -> None:
        for path, reference in self.graph.inputs:
            leaf = self._lane(FORWARD).add(Branch(None, path, role="input", text=reference.spec.text))
            self.writer[reference.storage] = leaf

    def _outputs(self) -> None:
        made = [(path, ref) for path, ref in self.graph.outputs if self._lane_of(ref.storage) == FORWARD]
        if made:
            title = ", ".join(path or "output" for path, _ in made[:2]) + (", …" if len(made) > 2 else "")
            text = made[0][1].spec.text if len(made) == 1 else f"{len(made)} outputs"
            leaf = self._lane(FORWARD).add(Branch(None, title, role="output", text=text))
            for _, reference in made:
                connect(self.writer[reference.storage], leaf)

    def _lane_of(self, storage: int) -> str:
        return root_of(self.writer[storage]).title if storage in self.writer else ""

    def _operation(self, operation: Operation) -> None:
        branch = self._scope(operation.phase, self.graph.scopes[operation.scope])
        if operation.call is not None:
            branch = self._call(operation.phase, operation.call, branch)
        leaf = branch.add(Branch(None, operation.packet, path=branch.path, operation=operation, role="operation"))
        lane = root_of(leaf)
        for reference in read_by(operation):
            writer = self.writer.get(reference.storage)
            if writer is not None and root_of(writer) is lane:
                connect(writer, leaf)
        for storage in written_by(operation):
            self.writer[storage] = leaf

    def _call(self, phase: str, index: int, branch: Branch) -> Branch:
        if (phase, index) not in self.calls:
            name = self.graph.calls[index].name
            self.calls[phase, index] = branch.add(Branch(None, name, path=branch.path, role="call"))
        return self.calls[phase, index]

    def _scope(self, phase: str, scope: Scope) -> Branch:
        if scope.parent is None:
            return self._lane(phase)
        parent = self._scope(phase, self.graph.scopes[scope.parent])
        # A file tells the calls of a backward pass apart; they belong to one forward call.
        key = phase, (parent, scope.path) if self._began_in(phase, scope) else scope.index
        if key not in self.scopes:
            title = scope.path.removeprefix(f"{parent.path}.") if parent.path else scope.path
            number = self.named[parent, title] = self.named.get((parent, title), 0) + 1
            title = title if number == 1 else f"{title}#{number}"
            self.scopes[key] = parent.add(Branch(None, title, scope.class_name, scope.path))
        return self.scopes[key]

    def _began_in(self, phase: str, scope: Scope) -> bool:
        first = next((one.operations[0] for one in self.graph.phases if one.name == phase), None)
        return first is not None and scope.operations[0] >= first


def order(phase: str) -> tuple[int, str]:
    """Where *phase* stands in a training step."""
    return (PHASES.index(phase) if phase in PHASES else len(PHASES), phase)


def read_by(operation: Operation) -> Iterator[TensorRef]:
    """The tensors that *operation* reads."""
    yield from tensors_in(operation.arguments)
    yield from tensors_in(tuple(value for _, value in operation.keywords))


def written_by(operation: Operation) -> Iterator[int]:
    """Storages that *operation* made or changed; a snapshot file knows of the latter only by the name."""
    yield from (reference.storage for reference in tensors_in(operation.results))
    yield from operation.writes
    if not operation.writes and operation.packet.endswith("_") and operation.arguments:
        yield from (reference.storage for reference in tensors_in(operation.arguments[:1]))


def root_of(branch: Branch) -> Branch:
    """The phase that *branch* stands in."""
    while branch.parent is not None:
        branch = branch.parent
    return branch


def connect(source: Branch, target: Branch) -> None:
    """Note that *target* reads what *source* made, in every branch that the value passes through."""
    if source is target:
        return
    made, left, right = source, source, target
    while left.parent is not right.parent:
        if left.depth >= right.depth and left.parent is not None:
            left.parent.outputs[left.position] = None
            left = left.parent
        else:
            assert right.parent is not None
            right.parent.inputs.setdefault(made, {})[right.position] = None
            right = right.parent
    if left.parent is not None and left is not right:
        left.parent.edges[left.position, right.position] = None


def grow(graph: Graph) -> Mapping[str, Branch]:
    """The tree of every phase of *graph*."""
    return Growing(graph).grow()
