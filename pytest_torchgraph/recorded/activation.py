"""Statistics of the values of a run; no graph holds them, and nothing compares them."""

from __future__ import annotations

from typing import TypeAlias

from pytest_torchgraph.quick import dataclass

Picture: TypeAlias = "tuple[tuple[float | None, ...], ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Of one tensor: ``mean``, ``deviation``, ``minimum`` and ``maximum`` are of its finite elements.

    They are ``None`` where there is no finite element. ``zeros``, ``nans`` and ``infs`` are how many of the
    ``elements`` there are. Of a complex tensor the absolute values are told.
    """

    elements: int
    zeros: int
    nans: int
    infs: int
    mean: float | None
    deviation: float | None
    minimum: float | None
    maximum: float | None

    @property
    def zero_share(self) -> float:
        """The share of zeros; 0 of nothing."""
        return self.zeros / self.elements if self.elements else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """What one call of a module returned: the tensor at ``output`` (``""`` where it is the only one).

    ``call`` counts the calls of the module from 1. ``picture`` are averages of the first sample, rows from the top,
    each between 0 for the least and 1 for the greatest; ``None`` where nothing is finite. A convolution's output is
    averaged over its channels.
    """

    path: str
    call: int
    output: str
    text: str
    statistics: Statistics
    picture: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterValues:
    """A parameter after the run: its own L2 ``norm``, and ``gradient`` and its norm where a gradient reached it."""

    name: str
    text: str
    norm: float
    statistics: Statistics
    gradient: Statistics | None
    gradient_norm: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The values of one run. ``untold`` counts tensors that could not be looked at (``meta``, opaque)."""

    activations: tuple[Activation, ...]
    parameters: tuple[ParameterValues, ...]
    untold: int
    went_backward: bool
