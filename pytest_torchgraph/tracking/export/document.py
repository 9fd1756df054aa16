"""JSON: nodes, edges and the summary, as ``tracking/graph.schema.json`` describes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.tracking.document import document

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph


def render(graph: Graph) -> str:
    """The document, each node and edge on a line of its own."""
    found = document(graph)
    lists = {key: found.pop(key) for key in ("nodes", "edges")}
    lines = [f"{written(key)}: {written(value)}" for key, value in found.items()]
    for key, values in lists.items():
        rows = ",\n".join(map(written, values))
        lines.append(f"{written(key)}: [\n{rows}\n]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def written(value: Any) -> str:
    """*value* as JSON on one line."""
    return json.dumps(value, allow_nan=False)
