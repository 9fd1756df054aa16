"""What a picture of a graph shows: boxes in boxes and the lines between them, repeated layers once.

Operations that launch no kernel are not drawn; a value keeps its maker through them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from pytest_torchgraph.diff.grouping import NUMBER
from pytest_torchgraph.drawing.kind import MATMUL, POINTWISE, kind_of, short
from pytest_torchgraph.drawing.tree import Branch, grow
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import Argument, Operation, tensors_in
from pytest_torchgraph.recorded.phase import OPTIMIZER
from pytest_torchgraph.recorded.tensor import TensorRef
from pytest_torchgraph.words.counting import times

CHUNK = 120
"""Boxes that one body shows side by side; more of them are shown in boxes of so many."""


@dataclass(frozen=True, slots=True)
class Body:
    """Boxes in order, lines between them by position, and what crosses the edge.

    ``inputs`` name for each value from outside the boxes that read it; ``outputs`` are the boxes read outside.
    """

    nodes: tuple[Node, ...] = ()
    edges: tuple[tuple[int, int], ...] = ()
    inputs: tuple[tuple[int, ...], ...] = ()
    outputs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One box: a module call, an API call, an operation, an input or the outputs.

    ``operations`` are all positions in the graph that it stands for, those of every one of the ``times`` it repeats.
    ``mark`` is what changed in a comparison: ``added``, ``removed``, ``altered``, ``moved``, or nothing.
    """

    title: str
    detail: str = ""
    path: str = ""
    role: str = "module"
    phase: str = "forward"
    kind: str = ""
    mark: str = ""
    operations: tuple[int, ...] = ()
    times: int = 1
    body: Body | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Model:
    """All phases of a graph, each a box around its operations."""

    graph: Graph = field(repr=False)
    lanes: tuple[Node, ...]

    @property
    def levels(self) -> int:
        """How deep boxes lie in boxes at most, those of the phases not counted."""
        return max((levels(lane) - 1 for lane in self.lanes), default=0)


def build(graph: Graph, *, folded: bool = True, changes: Mapping[int, str] | None = None) -> Model:
    """The model of *graph*; *changes* mark operations by position. Unless *folded*, every repetition is drawn."""
    freezing = Freezing(graph, changes or {}, folded=folded)
    return Model(graph, tuple(freezing.lane(phase, root) for phase, root in grow(graph).items()))


class Freezing:
    """Freezes the tree of a graph, siblings that do the same as one box."""

    def __init__(self, graph: Graph, changes: Mapping[int, str], *, folded: bool) -> None:
        self.graph = graph
        self.changes = changes
        self.folded = folded
        self.numbers: dict[object, int] = {}
        self.keys: dict[Branch, int] = {}
        self.phase = ""

    def lane(self, phase: str, root: Branch) -> Node:
        """The box around everything in *phase*; an optimizer's steps are one box, unless asked for."""
        self.phase = phase
        node = self._group([root])
        title = next((f"{phase}: {one.title}" for one in self.graph.phases if one.name == phase and one.title), phase)
        detail = f"{root.class_name} · {times(len(node.operations), 'operation', ',')}"
        node = replace(node, title=title, detail=detail, role="phase", kind="")
        if phase == OPTIMIZER and self.folded:
            return replace(node, body=Body((replace(node, role="module", title="every parameter", body=None),)))
        return node

    def _group(self, twins: list[Branch]) -> Node:
        """One box for *twins*, which do the same."""
        first = twins[0]
        runs = list(self._runs(first.children))
        place = {child: number for number, run in enumerate(runs) for child in run}
        nodes = tuple(self._node([twin.children[child] for twin in twins for child in run], len(run)) for run in runs)
        edges = dict.fromkeys((place[a], place[b]) for a, b in first.edges if place[a] != place[b])
        inputs = dict.fromkeys(tuple(sorted({place[child] for child in readers})) for readers in first.inputs.values())
        outputs = dict.fromkeys(place[child] for twin in twins for child in twin.outputs)
        body = split(Body(nodes, tuple(edges), tuple(inputs), tuple(outputs)), self.phase)
        return self._boxed(first, body)

    def _boxed(self, branch: Branch, body: Body) -> Node:
        title = branch.title if branch.role == "call" else f"{branch.title}: {branch.class_name}"
        only = body.nodes[0] if len(body.nodes) == 1 else None
        if only is not None and only.role == "operation" and branch.parent is not None:
            return replace(only, title=title, detail=f"{only.title} {only.detail}".strip(), role="module")
        made = tuple(sorted(index for node in body.nodes for index in node.operations))
        return Node(
            title=title,
            detail=times(len(made), "operation", ","),
            path=branch.path,
            role=branch.role,
            phase=self.phase,
            kind=principal(body.nodes),
            mark=next((node.mark for node in body.nodes if node.mark), ""),
            operations=made,
            body=body,
        )

    def _node(self, twins: list[Branch], times: int) -> Node:
        first = twins[0]
        if first.operation is not None:
            return self._leaf(twins)
        if first.role in {"input", "output"}:
            return Node(title=first.title, detail=first.text, role=first.role, phase=self.phase)
        node = self._group(twins)
        if times == 1:
            return node
        title = f"{span([twin.title for twin in twins[:times]])}: {first.class_name} ×{times}"
        return replace(node, title=title, times=times)

    def _leaf(self, twins: list[Branch]) -> Node:
        operations = [twin.operation for twin in twins if twin.operation is not None]
        first = operations[0]
        mark = self.changes.get(first.index, "")
        return Node(
            title=short(first.packet),
            detail=self._made(first),
            path=twins[0].path,
            role="operation",
            phase=self.phase,
            kind=kind_of(first),
            mark=mark,
            operations=tuple(operation.index for operation in operations),
        )

    def _made(self, operation: Operation) -> str:
        """What *operation* returns, a gradient by its parameter's name."""
        made = tensors_in(operation.results)
        if not made:
            return ""
        storage = self.graph.storages[made[0].storage]
        named = (storage.name or "").rsplit(".", 2)[-2:] if storage.role == "gradient" else []
        more = [f"+{len(made) - 1}"] if len(made) > 1 else []
        return " ".join([".".join(named), made[0].spec.text, *more]).strip()

    def _runs(self, children: list[Branch]) -> Iterator[list[int]]:
        """Positions of *children*, neighbours that are module calls of the same doing together."""
        run: list[int] = []
        for child in children:
            if run and self.folded and self._repeats(children[run[-1]], child):
                run.append(child.position)
                continue
            if run:
                yield run
            run = [child.position]
        if run:
            yield run

    def _repeats(self, one: Branch, other: Branch) -> bool:
        numbered = NUMBER.sub("*", one.title) == NUMBER.sub("*", other.title) != other.title
        return numbered and one.role == other.role == "module" and self._key(one) == self._key(other)

    def _key(self, branch: Branch) -> int:
        """A number that branches share when they do the same, whatever they are called."""
        if branch not in self.keys:
            key: object
            if branch.operation is not None:
                key = (*work(branch.operation), self.changes.get(branch.operation.index))
            else:
                children = tuple(map(self._key, branch.children))
                inputs = tuple(tuple(readers) for readers in branch.inputs.values())
                key = branch.role, branch.class_name, branch.text, children, tuple(sorted(branch.edges)), inputs
            self.keys[branch] = self.numbers.setdefault(key, len(self.numbers))
        return self.keys[branch]


def work(operation: Operation) -> tuple[object, ...]:
    """What *operation* does, whichever tensors it does it to."""
    return (
        operation.name,
        *(spelled(part) for part in (operation.arguments, operation.results)),
        operation.keywords != (),
    )


def spelled(argument: Argument) -> object:
    """*argument* with its tensors as dtype and shape."""
    if isinstance(argument, TensorRef):
        return argument.spec.dtype, argument.spec.shape
    return tuple(map(spelled, argument)) if isinstance(argument, tuple) else (type(argument), argument)


def principal(nodes: tuple[Node, ...]) -> str:
    """The kind of a box around *nodes*: the heaviest where there is one, the most frequent otherwise."""
    kinds = [node.kind for node in nodes if node.kind]
    return MATMUL if MATMUL in kinds else max(kinds, key=kinds.count, default=POINTWISE)


def span(titles: list[str]) -> str:
    """``layers.0-31`` for the titles of neighbours; the first and the last where they have no number in common."""
    first, last = (re.fullmatch(r"(.*?)(\d+)(.*)", title) for title in (titles[0], titles[-1]))
    if first and last and (first[1], first[3]) == (last[1], last[3]):
        return f"{first[1]}{first[2]}-{last[2]}{first[3]}"
    return f"{titles[0]}-{titles[-1]}"


def split(body: Body, phase: str) -> Body:
    """*body*, or where it is too long to be read, boxes of :data:`CHUNK` that hold its boxes in order."""
    if len(body.nodes) <= CHUNK:
        return body
    chunks = range(0, len(body.nodes), CHUNK)
    edges = dict.fromkeys((a // CHUNK, b // CHUNK) for a, b in body.edges if a // CHUNK != b // CHUNK)
    inputs = dict.fromkeys(tuple(sorted({child // CHUNK for child in readers})) for readers in body.inputs)
    outputs = dict.fromkeys(child // CHUNK for child in body.outputs)
    nodes = tuple(chunk(body, start, phase) for start in chunks)
    return split(Body(nodes, tuple(edges), tuple(inputs), tuple(outputs)), phase)


def chunk(body: Body, start: int, phase: str) -> Node:
    """The box around the boxes of *body* from *start* on."""
    nodes = body.nodes[start : start + CHUNK]
    inside = range(start, start + len(nodes))
    edges = tuple((a - start, b - start) for a, b in body.edges if a in inside and b in inside)
    made = tuple(index for node in nodes for index in node.operations)
    mark = next((node.mark for node in nodes if node.mark), "")
    return Node(
        title=f"boxes {start + 1}-{start + len(nodes)}",
        detail=times(len(made), "operation", ","),
        phase=phase,
        kind=principal(nodes),
        mark=mark,
        operations=made,
        body=Body(nodes, edges),
    )


def levels(node: Node) -> int:
    """Boxes on the longest way down from *node*, itself included."""
    return 1 + max(map(levels, node.body.nodes), default=0) if node.body else 1


def collapsed(node: Node, depth: int) -> Node:
    """*node* with what lies more than *depth* boxes deep left out."""
    if node.body is None:
        return node
    if depth == 0:
        return replace(node, body=None)
    return replace(node, body=replace(node.body, nodes=tuple(collapsed(inner, depth - 1) for inner in node.body.nodes)))


def closed(node: Node) -> Node:
    """*node* with every box closed in which nothing is marked."""
    if node.body is None:
        return node
    if not node.mark and node.role != "phase":
        return replace(node, body=None)
    return replace(node, body=replace(node.body, nodes=tuple(map(closed, node.body.nodes))))


def drawn(node: Node) -> int:
    """How many boxes *node* is, itself included."""
    return 1 + sum(map(drawn, node.body.nodes)) if node.body else 1
