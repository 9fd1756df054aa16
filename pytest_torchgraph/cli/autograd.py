"""``torchgraph autograd``: the sources behind backward graphs, and the graph of one model."""

from __future__ import annotations

from typing import Any


def register(verbs: Any) -> None:
    """Add the verb."""
