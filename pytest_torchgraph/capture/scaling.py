"""How a model grows with the sizes of its inputs, recorded under fake tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from pytest_torchgraph.analysis.scaling import ByBatch, Scaling, grid, scaling_of
from pytest_torchgraph.capture.exported import is_exported
from pytest_torchgraph.capture.fake_run.subject import built, is_class_of_modules, takes_nothing
from pytest_torchgraph.capture.outside import outside_modes
from pytest_torchgraph.capture.step import Backward, Stepping
from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.graph import Graph

BATCHES = (2, 3, 4)
"""Batches at which a model is recorded where nobody says any: at one, many run other operations."""


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


def by_batch(model: Callable[..., Any], args: Any, kwargs: Mapping[str, Any] | None, backward: Backward) -> ByBatch:
    """How *model* grows with the first dimension that its inputs share, at batches of two, three and four."""
    if is_exported(model):
        return ByBatch(0, None, "an exported program is made for the sizes of its own inputs")
    if kwargs and args != ():
        return ByBatch(0, None, "positional and keyword arguments are not varied together")
    inputs = kwargs or args
    leaves, form = tree_flatten(dict(inputs) if isinstance(inputs, Mapping) else inputs)
    firsts = {leaf.shape[0] for leaf in leaves if isinstance(leaf, Tensor) and leaf.dim()}
    if len(firsts) != 1:
        return ByBatch(0, None, "the inputs share no first dimension that could be the batch")

    def given(batch: int) -> Any:
        return tree_unflatten([of_batch(leaf, batch) for leaf in leaves], form)

    (now,) = firsts
    try:
        return ByBatch(now, scaling(model, given, backward=backward, batch=BATCHES))
    except (RuntimeError, TypeError, ValueError) as error:
        return ByBatch(now, None, str(error).partition("\n")[0])


def of_batch(leaf: Any, batch: int) -> Any:
    """An input of another batch: rows again in their order where they are indices, which a run may ask for."""
    if not isinstance(leaf, Tensor) or not leaf.dim():
        return leaf
    if leaf.is_floating_point() or leaf.is_complex():
        return torch.empty((batch, *leaf.shape[1:]), dtype=leaf.dtype, device=leaf.device)
    with outside_modes():
        return leaf[torch.arange(batch, device=leaf.device) % leaf.shape[0]]
