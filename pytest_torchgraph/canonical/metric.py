"""The numbers at the head of a snapshot."""

from __future__ import annotations

from pytest_torchgraph.recorded.phase import PHASES

TOTALS = (*(f"{phase}.ops" for phase in PHASES), "ops")
"""Of all operations."""
GROUP_METRICS = ("copies", "casts", "syncs")
"""Of the operations of one group; every snapshot has them."""
COUNT_METRICS = (*TOTALS, *GROUP_METRICS, "collectives")
HELD_METRICS = ("parameters", "buffers", "gradients", "state")
"""Bytes of what a model and its optimizer hold: no activation moves them."""
BYTE_METRICS = (*HELD_METRICS, "saved", "peak")
COMPILE_METRICS = ("graphs", "graph_breaks", "recompiles", "uncompiled")
"""What the compiler made of the model; ``uncompiled`` are operations of its call that ran in no compiled graph."""
OF_COLLECTIVES = ("collectives", "communicated")
SENT_METRICS = ("communicated",)
"""Bytes that are no memory of this process."""
SIZE_METRICS = (*BYTE_METRICS, *SENT_METRICS)
METRICS = (*COUNT_METRICS, *COMPILE_METRICS, *SIZE_METRICS)
