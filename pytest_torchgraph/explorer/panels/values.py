"""Values: what the module returned, its parameters, and the gradients that reached them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_torchgraph.explorer.block import Block, Grid, Heading, Heat, Line, Missing, Role, Span, line
from pytest_torchgraph.explorer.formatting import bar
from pytest_torchgraph.explorer.panels.chosen import RUN_IT, WITH_INPUTS, Chosen, title_of
from pytest_torchgraph.words.printable import printable

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.subject import Subject
    from pytest_torchgraph.recorded.activation import Activation, ParameterValues, Statistics, Values

MOST = 4
FLOW = 60
"""Modules of which the gradient flow is told."""
WIDTH = 20


def blocks(subject: Subject, chosen: Chosen) -> tuple[Block, ...]:
    """The panel."""
    title, values = title_of(chosen), subject.values
    if subject.known == "file":
        return title, Missing("no values", RUN_IT)
    if values is None:
        how = "Press v: the model runs once more, and everything is put back." if subject.graph else WITH_INPUTS
        return title, Missing("no values were recorded", how)
    path = chosen.first.path
    found: list[Block] = [title, *outputs(values, path), *parameters(values, path), *gradients(values, path)]
    if values.untold:
        found.append(line((f"{values.untold} tensors have no values to look at (meta, or of another kind)", "faint")))
    return tuple(found)


def outputs(values: Values, path: str) -> Iterator[Block]:
    """What its calls returned."""
    mine = [one for one in values.activations if one.path == path]
    if not mine:
        yield Heading("returned")
        yield line(("no tensor: it was not called, or its forward was called past the module", "faint"))
    for one in mine[:MOST]:
        yield Heading("returned", " ".join(filter(None, (call_text(one, mine), one.output, one.text))))
        yield Grid(HEAD, (cells(one.statistics),))
        yield from warning(one.statistics)
        if one.picture:
            yield Heat(one.picture)
            yield line(("the first sample, from least ' ' to greatest █, × is not finite", "faint"))
    if len(mine) > MOST:
        yield line((f"and {len(mine) - MOST} more tensors", "faint"))


def call_text(one: Activation, mine: list[Activation]) -> str:
    """``call 2``, where there are several."""
    return f"call {one.call}" if any(other.call != 1 for other in mine) else ""


HEAD = (">mean", ">deviation", ">least", ">greatest", ">zeros", ">NaN", ">Inf")


def number(value: float | None) -> str:
    """Four digits; ``?`` where there is no finite element."""
    return "?" if value is None else f"{value:.4g}"


def cells(one: Statistics) -> tuple[Span, ...]:
    """The row of a tensor."""
    bad: Role = "bad"
    return (
        (number(one.mean), "number"),
        (number(one.deviation), "number"),
        (number(one.minimum), "number"),
        (number(one.maximum), "number"),
        (f"{one.zero_share:.1%}", "warn" if one.zero_share > 0.5 else "number"),
        (f"{one.nans:,}", bad if one.nans else "faint"),
        (f"{one.infs:,}", bad if one.infs else "faint"),
    )


def warning(one: Statistics) -> Iterator[Line]:
    """What is wrong with the values, where something is."""
    if one.nans or one.infs:
        yield line((f"{one.nans + one.infs:,} of {one.elements:,} elements are not finite", "bad"))


def parameters(values: Values, path: str) -> Iterator[Block]:
    """Its own parameters and their gradients."""
    own = [one for one in values.parameters if one.name.rpartition(".")[0] == path]
    if own:
        yield Heading("parameters")
        rows: tuple[tuple[Span, ...], ...] = tuple(
            (
                (one.name.rpartition(".")[2], "name"),
                (one.text, "kind"),
                (number(one.norm), "number"),
                (number(one.statistics.mean), "number"),
                (number(one.statistics.deviation), "number"),
                ("none" if one.gradient_norm is None else number(one.gradient_norm), "number"),
            )
            for one in own[:FLOW]
        )
        yield Grid(("", "", ">norm", ">mean", ">deviation", ">gradient norm"), rows)


def gradients(values: Values, path: str) -> Iterator[Block]:
    """How large the gradients are that reach each parameter inside, side by side."""
    inside = [one for one in values.parameters if not path or one.name.startswith(f"{path}.")]
    if not values.went_backward:
        yield Heading("gradient flow")
        yield line(("No gradient reached a parameter: no backward pass was run, or nothing requires grad.", "faint"))
        return
    reached = [one for one in inside if one.gradient is not None]
    most = max((per_element(one) for one in reached), default=0.0)
    yield Heading("gradient flow", "root mean square of each parameter's gradient, of the largest here")
    for one in inside[:FLOW]:
        name = printable(one.name.removeprefix(f"{path}.") if path else one.name)
        if one.gradient is None:
            yield line((f"{name:<32.32} ", "name"), ("no gradient", "warn"), wrapped=False)
            continue
        size = per_element(one)
        share = size / most if most and size == size else 0.0  # noqa: PLR0124 -- NaN alone differs from itself
        role: Role = "bad" if one.gradient.nans or one.gradient.infs else "bar"
        yield line((f"{name:<32.32} ", "name"), (bar(share, WIDTH), role), (f" {size:.3g}", "number"), wrapped=False)
    if len(inside) > FLOW:
        yield line((f"and {len(inside) - FLOW} more: choose a module inside", "faint"))


def per_element(one: ParameterValues) -> float:
    """The root mean square of the gradient."""
    if one.gradient is None or one.gradient_norm is None or not one.gradient.elements:
        return 0.0
    return float(one.gradient_norm / one.gradient.elements**0.5)
