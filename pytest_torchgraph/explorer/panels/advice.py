"""What could be saved in the module, how that was worked out, and when it does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_torchgraph.explorer.advice import (
    MOSTLY,
    SCALE_BYTES,
    SMALL,
    checkpoints,
    narrower,
    prunable,
)
from pytest_torchgraph.explorer.block import Block, Grid, Heading, Line, Missing, Span, line
from pytest_torchgraph.explorer.formatting import bytes_text, flops_text
from pytest_torchgraph.explorer.panels.chosen import RUN_IT, Chosen, title_of
from pytest_torchgraph.recorded.phase import BACKWARD
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    from pytest_torchgraph.analysis.scaling import ByBatch
    from pytest_torchgraph.explorer.subject import Subject

MOST = 10
MEMORIES = tuple(size * 2**30 for size in (1, 8, 24, 80))
"""Bytes of a laptop's share, and of common accelerators."""


def blocks(subject: Subject, chosen: Chosen) -> tuple[Block, ...]:
    """The panel."""
    return (
        title_of(chosen),
        *work(subject, chosen),
        *bits(subject, chosen),
        *pruning(subject, chosen),
        *checkpointing(subject, chosen),
        *largest_batch(subject),
    )


def explained(how: str, but: str) -> Iterator[Line]:
    """How it was worked out, and when it does not hold."""
    yield line(("how    ", "accent"), (how, "faint"), indent=7)
    yield line(("unless ", "warn"), (but, "faint"), indent=7)


def work(subject: Subject, chosen: Chosen) -> Iterator[Block]:
    """FLOPs."""
    layer = subject.layers.get(chosen.first.path)
    if layer is None or subject.known != "run":
        return
    yield Heading("FLOPs")
    yield line((flops_text(layer.flops), "number"), " in one call of the whole model")
    names = layer.flops.unknown
    but = (
        f"of what has no formula here: {', '.join(names[:4])}."
        if names
        else "of element-wise work, which counts nothing."
    )
    yield line(
        ("how    ", "accent"), ("the sum of the formulas of matrix products, convolutions and attention.", "faint")
    )
    yield line(("without ", "warn"), (but, "faint"))


def bits(subject: Subject, chosen: Chosen) -> Iterator[Block]:
    """What fewer bits would save."""
    found = narrower(subject, chosen.first)
    yield Heading("fewer bits", times(len(found), "module") + " can take it" if found else "")
    if not found:
        yield line(("No weight here is a wide float of two dimensions or more that a matrix product reads.", "faint"))
        return
    now = sum(one.bytes for one in found)
    half = sum(one.bytes if one.bfloat16 is None else one.bfloat16 for one in found)
    whole = sum(one.bytes if one.int8 is None else one.int8 for one in found)
    yield line(
        "weights take ", (bytes_text(now), "number"), "; bfloat16 saves ", (bytes_text(now - half), "good"),
        ", int8 saves ", (bytes_text(now - whole), "good"),
    )  # fmt: skip
    rows: tuple[tuple[Span, ...], ...] = tuple(
        (
            (one.path or "the model", "name"),
            (bytes_text(one.bytes), "number"),
            ("no" if one.bfloat16 is None else f"-{bytes_text(one.bytes - one.bfloat16)}", "good"),
            ("no" if one.int8 is None else f"-{bytes_text(one.bytes - one.int8)}", "good"),
        )
        for one in found[:MOST]
    )
    rest = len(found) - MOST
    yield Grid(("", ">now", ">bfloat16", ">int8"), rows, f"and {rest} more" if rest > 0 else "")
    which = (
        "weights that a matrix product, convolution or look-up of the run reads"
        if subject.graph is not None
        else "every weight of two dimensions or more: no run tells what reads them"
    )
    yield from explained(
        f"{which}; two bytes an element for bfloat16, one for int8 and {SCALE_BYTES} for each output channel's factor.",
        "accuracy suffers, which only an evaluation tells; norms, sums and softmax are best left in float32; "
        "a weight shared with another module changes there too.",
    )


def pruning(subject: Subject, chosen: Chosen) -> Iterator[Block]:
    """Weights that do little."""
    yield Heading("pruning")
    if subject.known == "file":
        yield Missing("no values", RUN_IT)
        return
    if subject.values is None:
        yield Missing("no values were looked at", "Press v to look at them." if subject.model is not None else RUN_IT)
        return
    found = prunable(subject, chosen.first)
    rows: tuple[tuple[Span, ...], ...] = tuple(
        ((one.name, "name"), (one.text, "kind"), (one.reason, "warn")) for one in found[:MOST]
    )
    if rows:
        rest = len(found) - MOST
        yield Grid(("", "", ""), rows, f"and {rest} more" if rest > 0 else "")
    else:
        yield line(("No weight here is close to nothing.", "good"))
    yield from explained(
        f"the root mean square of a weight is below {SMALL:.0%} of the median over all weights, "
        f"or more than {MOSTLY:.0%} of it are zeros.",
        "it is small by design: scaled by what follows, or not trained yet (LoRA's second factor begins at zero).",
    )


def checkpointing(subject: Subject, chosen: Chosen) -> Iterator[Block]:
    """What computing again would free."""
    graph = subject.graph
    if graph is None or subject.known == "file":
        return
    yield Heading("checkpointing")
    if BACKWARD not in graph.phases_recorded:
        yield Missing("no backward pass was run", "torchgraph explore MODULE:FACTORY --backward runs one.")
        return
    found = checkpoints(subject, chosen.first)
    if not found:
        yield line(("Nothing here keeps bytes for the backward pass that computing again would free.", "faint"))
        return
    rows: tuple[tuple[Span, ...], ...] = tuple(
        (
            (one.path, "name"),
            (f"{one.class_name}{f' ×{one.count}' if one.count > 1 else ''}", "kind"),
            (bytes_text(one.freed), "good"),
            (flops_text(one.again), "number"),
        )
        for one in found[:MOST]
    )
    yield Grid(("", "", ">frees each", ">computes again"), rows)
    yield from explained(
        "bytes that operations inside made, that the backward pass reads and nothing outside does, "
        "against the FLOPs of its forward pass; most bytes for a FLOP first.",
        "the peak is reached elsewhere: while it computes again, the bytes of one of them are alive after all.",
    )


def largest_batch(subject: Subject) -> Iterator[Block]:
    """The largest batch that fits, by memory."""
    if subject.graph is None or subject.known == "file":
        return
    yield Heading("largest batch")
    growth = subject.growth
    if growth is None:
        asked = "Press v to record other batches." if subject.model is not None else RUN_IT
        yield Missing("no other batch was recorded", asked)
        return
    try:
        rows = fitting(growth)
    except ValueError as error:
        yield Missing("nothing can be said of other batches", f"{error}.")
        return
    yield Grid(("memory", ">batch"), rows)
    yield from explained(
        f"the first dimension of every input is varied ({growth.batch} here) and recorded under fake tensors at 2, 3, "
        "4 and 8; what is alive after each operation is a polynomial of it, and the peak the largest of those.",
        "that dimension is no batch, an allocator fragments, kernels take work space, or another device computes "
        "otherwise; the step of an optimizer is not part of it.",
    )


def fitting(growth: ByBatch) -> tuple[tuple[Span, ...], ...]:
    """The largest batch for each amount of memory; raises ``ValueError`` where no formula tells."""
    if growth.scaling is None:
        raise ValueError(growth.reason)
    found = [(memory, growth.scaling.largest_batch(memory)) for memory in MEMORIES]
    return tuple(
        ((bytes_text(memory), "name"), (f"{batch:,}" if batch else "none", "number")) for memory, batch in found
    )
