"""What is said about one box: shapes, cost, source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pytest_torchgraph.drawing.kind import short
from pytest_torchgraph.drawing.measure import measured, total, written
from pytest_torchgraph.drawing.model import Node
from pytest_torchgraph.drawing.tree import read_by
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.operation import tensors_in
from pytest_torchgraph.words.counting import times

SHOWN = 6


class Describing:
    """Describes the boxes of one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.costs = {"memory": measured(graph, "memory")}
        if any(operation.flops is not None for operation in graph.operations):
            self.costs["flops"] = measured(graph, "flops")
        if graph.timing is not None:
            self.costs["time"] = measured(graph, "time")

    def lines(self, node: Node) -> Iterator[str]:
        """Plain lines of text about *node*; nothing is escaped."""
        yield node.title
        if node.path:
            yield f"module  {node.path}"
        if not node.operations:
            yield node.detail
            return
        yield f"phase  {node.phase}" + (f", {node.mark}" if node.mark else "")
        alike = {self.graph.operations[index].name for index in node.operations}
        yield from self._operation(node) if len(alike) == 1 else self._operations(node)
        for by, values in self.costs.items():
            cost, exact = total(values, node.operations)
            # Views and elementwise work have no formula and hardly a cost: they make no sum uncertain.
            yield f"{LABELS[by]}  {written(by, cost, exact=exact or by == 'flops')}"

    def _operation(self, node: Node) -> Iterator[str]:
        first = self.graph.operations[node.operations[0]]
        count = len(node.operations)
        yield f"operation  {first.name}" + (f"  ×{count}" if count > 1 else "")
        for name, found in (("reads", list(read_by(first))), ("gives", tensors_in(first.results))):
            if found:
                more = ", …" if len(found) > SHOWN else ""
                yield f"{name}  {', '.join(ref.spec.text for ref in found[:SHOWN])}{more}"
        if first.source is not None:
            yield f"source  {first.source.file}:{first.source.line} in {first.source.function}"

    def _operations(self, node: Node) -> Iterator[str]:
        counts = Counter(short(self.graph.operations[index].packet) for index in node.operations)
        yield times(len(node.operations), "operation", ",")
        named = ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in counts.most_common(SHOWN))
        yield f"most  {named}" + (", …" if len(counts) > SHOWN else "")


LABELS = {"memory": "bytes made", "flops": "FLOPs", "time": "time"}
