"""The module: its class, what it holds, what goes in and comes out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_torchgraph.explorer.block import Block, Grid, Heading, Pairs, Span, line, spans
from pytest_torchgraph.explorer.formatting import bytes_text, count_text, format_shape
from pytest_torchgraph.explorer.measure import BY_NAME, held_by
from pytest_torchgraph.explorer.panels.chosen import Chosen, calls_text, title_of
from pytest_torchgraph.explorer.panels.compiled import compiled_blocks
from pytest_torchgraph.words.counting import times
from pytest_torchgraph.words.printable import printable

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.block import Spans
    from pytest_torchgraph.explorer.module import Held, Module
    from pytest_torchgraph.explorer.subject import Subject

FEW = 6
MOST = 200
"""Rows of a table; of more, the number."""


def blocks(subject: Subject, chosen: Chosen) -> tuple[Block, ...]:
    """The panel."""
    module = chosen.first
    found: list[Block] = [title_of(chosen), Pairs(tuple(pairs(subject, chosen)))]
    found += compiled_blocks(subject.graph.compilation if subject.graph else None, chosen)
    if module.held:
        found += [Heading("holds", "its own, those of modules inside apart"), held_grid(module.held)]
    if module.children:
        found += [Heading("inside", times(len(module.children), "module")), inside(subject, module)]
    if subject.known == "file" and module.held:
        found.append(line(("A file does not tell parameters from buffers.", "faint")))
    return tuple(found)


def pairs(subject: Subject, chosen: Chosen) -> Iterator[tuple[str, Spans]]:
    """Labels and values."""
    module = chosen.first
    many = len(chosen.modules) > 1
    count = BY_NAME["params"].amount(subject, chosen.modules)
    each = f" in all, {count_text(module.parameters)} each" if many else ""
    word = "tensors" if subject.known == "file" else "parameters"
    exact = f"  {count.size:,.0f}{each}"
    yield word, spans((BY_NAME["params"].text(count), "number"), (exact, "faint"), *trained(module))
    size = bytes_text(module.parameter_bytes)
    buffers = f" and {bytes_text(module.buffer_bytes)} in buffers" if module.buffer_bytes.at_least else ""
    yield "memory", spans((size, "number"), (buffers, "faint"), (" each" if many else "", "faint"))
    yield from kinds(module)
    if module.same_as is not None:
        yield "shared", spans("the same module as ", (printable(module.same_as) or "the model", "name"))
    elsewhere = [] if module.held else subject.reads(module.path)
    if elsewhere:
        yield "reads", spans((", ".join(map(printable, elsewhere[:FEW])), "name"), (" of other modules", "faint"))
    yield from mode(subject, module)
    layer = subject.layers.get(module.path)
    if layer is not None:
        if layer.calls:
            yield "run", spans(calls_text(layer.calls), (f", {times(layer.operations, 'operation', ',')}", ""))
        yield "in", spans((" ".join(layer.inputs) or "nothing that was made outside", "kind"))
        yield "out", spans((" ".join(layer.outputs) or "nothing", "kind"))


def trained(module: Module) -> Iterator[Span]:
    """Whether its parameters are trained."""
    if module.trainable is None or not module.parameters.at_least:
        return
    if module.trainable == module.parameters.at_least:
        yield ", all trained", "good"
    else:
        yield f", {module.trainable:,} trained" if module.trainable else ", frozen", "warn"


def kinds(module: Module) -> Iterator[tuple[str, Spans]]:
    """The dtypes and devices of all that it holds."""
    held = held_by([module])
    dtypes = list(dict.fromkeys(one.dtype for one in held))
    devices = list(dict.fromkeys(one.device for one in held if one.device is not None))
    if dtypes:
        yield "dtype", spans((", ".join(dtypes), "kind"), (f" on {', '.join(devices)}" if devices else "", ""))


def mode(subject: Subject, module: Module) -> Iterator[tuple[str, Spans]]:
    """Whether it trains, and the classes that it is made of."""
    if subject.model is None:
        return
    try:
        live = subject.model.get_submodule(module.path)
    except AttributeError:
        return
    bases = [kind.__name__ for kind in type(live).__mro__[1:] if kind.__name__ not in {"Module", "object"}]
    mro = [*bases, "Module"]
    yield "mode", spans("train" if live.training else "eval")
    yield (
        "class",
        spans((f"{type(live).__module__}.{type(live).__qualname__}", "kind"), (f"  ← {' ← '.join(mro)}", "faint")),
    )


def held_grid(held: tuple[Held, ...]) -> Grid:
    """One row for each tensor."""
    rows: list[tuple[Span, ...]] = []
    for one in held[:MOST]:
        state = {True: "trained", False: "frozen", None: ""}[one.trainable] if one.kind == "parameter" else one.kind
        rows.append(
            (
                (one.name, "name"),
                (format_shape(one.shape) if one.shape is not None else "not made yet", "number"),
                (one.dtype, "kind"),
                ("tensor" if one.kind == "leaf" else state or one.kind, "faint"),
                (bytes_text(one.bytes), "number"),
            )
        )
    more = f"and {len(held) - MOST} more" if len(held) > MOST else ""
    return Grid(("", "shape", "dtype", "", ">bytes"), tuple(rows), more)


def inside(subject: Subject, module: Module) -> Grid:
    """One row for each module inside."""
    rows: tuple[tuple[Span, ...], ...] = tuple(
        (
            (child.name, "name"),
            (child.title, "kind"),
            (count_text(child.parameters), "number"),
            (outputs(subject, child), "faint"),
        )
        for child in module.children[:MOST]
    )
    more = f"and {len(module.children) - MOST} more" if len(module.children) > MOST else ""
    return Grid(("", "", ">params", "out" if subject.layers else ""), rows, more)


def outputs(subject: Subject, module: Module) -> str:
    """The first tensor that *module* hands out."""
    layer = subject.layers.get(module.path)
    return "" if layer is None else " ".join(layer.outputs[:1])
