"""The panels, in their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_torchgraph.explorer.panels import (
    advice,
    compare,
    details,
    findings,
    flow,
    memory,
    operations,
    performance,
    source,
    values,
)
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.block import Block
    from pytest_torchgraph.explorer.panels.chosen import Chosen
    from pytest_torchgraph.explorer.subject import Subject


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: ``name`` is on its tab, ``blocks`` are what it says of what is chosen."""

    name: str
    meaning: str
    blocks: Callable[[Subject, Chosen], tuple[Block, ...]]


MODULE = Panel("Module", "class, parameters, buffers, inputs and outputs", details.blocks)
PERFORMANCE = Panel("Performance", "time, FLOPs, bytes and shares", performance.blocks)
SOURCE = Panel("Source", "the forward, with the operations beside its lines", source.blocks)
FLOW = Panel("Flow", "tensors in and out, who made and who reads them", flow.blocks)
OPERATIONS = Panel("Operations", "every operation inside", operations.blocks)
MEMORY = Panel("Memory", "live bytes step by step", memory.blocks)
VALUES = Panel("Values", "activations, parameters and gradients", values.blocks)
ADVICE = Panel("Advice", "what could be saved", advice.blocks)
FINDINGS = Panel("Findings", "what changed", findings.blocks)
COMPARE = Panel("Compare", "two models side by side", compare.blocks)
ALONE = (MODULE, PERFORMANCE, SOURCE, FLOW, OPERATIONS, MEMORY, VALUES, ADVICE)
PAIR = (FINDINGS, COMPARE, *ALONE)


def panels_of(subject: Subject) -> tuple[Panel, ...]:
    """The panels of *subject*; those of a comparison come first."""
    return ALONE if subject.before is None else PAIR
