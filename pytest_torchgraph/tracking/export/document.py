"""JSON: nodes, edges and the summary, as ``tracking/graph.schema.json`` describes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_torchgraph.tracking.document import document

if TYPE_CHECKING:
    from pytest_torchgraph.graph.graph import Graph


def render(graph: Graph) -> str:
    """The document, indented."""
    return json.dumps(document(graph), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
