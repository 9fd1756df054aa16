"""How a model grows with the sizes of its inputs, recorded under fake tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from torch import nn

from pytest_torchgraph.analysis.scaling import Scaling, grid, scaling_of
from pytest_torchgraph.capture.fake_run.subject import built, is_class_of_modules, takes_nothing
from pytest_torchgraph.capture.step import Backward, Stepping
from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.graph import Graph


def scaling(
    model: Callable[..., Any],
    make_inputs: Callable[..., Any],
    *,
    backward: Backward = None,
    optimizer: Stepping = None,
    warmup: int = 0,
    **sizes: Sequence[int],
) -> Scaling:
    """How operations, FLOPs and memory of *model* grow with *sizes*, such as ``batch=[1, 2, 4], sequence=[128, 256]``.

    ``make_inputs(batch=1, sequence=128)`` returns what :func:`pytest_torchgraph.trace` takes as ``args``; it is called
    under fake tensors, once for every combination of the sizes and once for twice the largest of each, by which the
    formulas are proved. *model* is what ``trace(fake=True)`` takes: a model, or what makes it. ``backward``,
    ``optimizer`` and ``warmup`` are those of ``trace``.

    A formula is a polynomial in each size, one degree below the number of its sizes: three sizes tell up to squares.
    Where none goes through all amounts, exponents are all that is told. The peak is the largest of what is alive after
    each operation; each of those has its formula, as long as the model runs the same operations at all sizes.

    Raises ``ValueError`` for sizes that are no two or more rising numbers, and whatever ``trace(fake=True)`` raises.
    """
    require_sizes(sizes)
    if not isinstance(model, nn.Module) and (is_class_of_modules(model) or takes_nothing(model)):
        model = built(model)
    run = partial(traced, model, make_inputs, backward=backward, optimizer=optimizer, warmup=warmup)
    return scaling_of(sizes, {at: run(dict(zip(sizes, at, strict=True))) for at in grid(sizes)})


def traced(model: Any, make_inputs: Callable[..., Any], sizes: Mapping[str, int], **options: Any) -> Graph:
    """The graph of *model* at *sizes*."""
    return trace(model, lambda: make_inputs(**sizes), fake=True, **options)


def require_sizes(sizes: Mapping[str, Sequence[int]]) -> None:
    """Raise ``ValueError`` where *sizes* tell no growth."""
    if not sizes:
        raise ValueError("scaling needs sizes that vary, such as batch=[1, 2, 4]")
    for name, values in sizes.items():
        numbers = isinstance(values, (list, tuple, range)) and all(type(value) is int and value > 0 for value in values)
        if not numbers or len(values) < 2 or list(values) != sorted(set(values)):
            raise ValueError(f"{name}={values!r}: expected two or more rising numbers, such as {name}=[1, 2, 4]")
