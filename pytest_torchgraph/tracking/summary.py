"""A model at a glance: its modules with shapes, parameters and FLOPs, as users of torchinfo know it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.tracking.settings import settings_of
from pytest_torchgraph.words.columns import aligned

if TYPE_CHECKING:
    from pytest_torchgraph.analysis.layer import Layer
    from pytest_torchgraph.analysis.tally import Total
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.tracking.settings import Settings

Size: TypeAlias = "Sequence[int] | Sequence[Sequence[int]]"
HEADER = ("module", "input", "output", "parameters", "kernel", "FLOPs")
FIGURES = slice(3, None)
"""The columns that are numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary:
    """What :func:`summary` finds; prints as a table.

    ``rows`` are the cells of the table, the model itself first. A parameter that two modules share counts once.
    ``total_flops`` are those of the run: multiplications and additions counted apart, two where torchinfo counts one
    "mult-add". Bytes are those of the parameters, and the most that were alive at once.
    """

    rows: tuple[tuple[str, ...], ...]
    total_params: int
    trainable_params: int
    total_flops: Total
    parameter_bytes: int
    peak_bytes: int

    def __str__(self) -> str:
        from pytest_torchgraph.verdict.quantity import bytes_text

        table = "\n".join(aligned((HEADER, *self.rows), FIGURES))
        line = "=" * max(map(len, table.splitlines()))
        frozen = self.total_params - self.trainable_params
        totals = (
            f"parameters: {self.total_params:,}, trainable {self.trainable_params:,}, frozen {frozen:,}\n"
            f"FLOPs: {counted(self.total_flops)}\n"
            f"parameters take {bytes_text(self.parameter_bytes)}, the peak of the run is "
            f"{bytes_text(self.peak_bytes)}"
        )
        return f"{line}\n{table}\n{line}\n{totals}\n{line}"


def summary(model: Any, input_size: Size | None = None, *, input_data: Any = None, depth: int = 3) -> ModelSummary:
    """Run *model* once without gradients, and tell of its modules down to *depth*; everything is as it was afterwards.

    *input_size* is the shape of one input of random numbers, or a list of shapes; *input_data* is what the model is
    called with instead, as in :func:`pytest_torchgraph.trace`. Raises ``TypeError`` where neither or both are given.
    """
    import torch

    from pytest_torchgraph.capture.tracing import trace

    if (input_size is None) == (input_data is None):
        raise TypeError("summary(model, input_size) or summary(model, input_data=...): give one of the two")
    inputs = input_data if input_size is None else random_inputs(input_size)
    with torch.no_grad():
        graph = trace(model, inputs)
    return summarised(graph, model, depth)


def random_inputs(size: Size) -> tuple[Any, ...]:
    """One input of random numbers for each shape in *size*, which may be a single shape."""
    import torch

    alone = all(isinstance(part, int) for part in size)
    return tuple(torch.randn(tuple(shape)) for shape in ((size,) if alone else size))  # type: ignore[arg-type]


def summarised(graph: Graph, model: Any, depth: int) -> ModelSummary:
    """The summary of the *graph* of one run of *model*."""
    from pytest_torchgraph.analysis.layer import layers

    settings = settings_of(model)
    own = list(model.parameters()) if hasattr(model, "parameters") else []
    return ModelSummary(
        rows=tuple(cells(layer, settings) for layer in layers(graph) if layer.depth <= depth),
        total_params=sum(parameter.numel() for parameter in own),
        trainable_params=sum(parameter.numel() for parameter in own if parameter.requires_grad),
        total_flops=graph.flops,
        parameter_bytes=graph.memory.parameter_bytes,
        peak_bytes=graph.memory.peak,
    )


def cells(layer: Layer, settings: Settings) -> tuple[str, ...]:
    """One row."""
    name = layer.path.rpartition(".")[2]
    kernel = settings.get(layer.path, {}).get("kernel_size")
    called = f" x{layer.calls}" if layer.calls > 1 else ""
    return (
        "  " * layer.depth + (f"{name}: {layer.class_name}{called}" if name else layer.class_name),
        ", ".join(layer.inputs),
        ", ".join(layer.outputs),
        f"{layer.parameters:,}" if layer.parameters else "--",
        "x".join(map(str, kernel if isinstance(kernel, tuple) else (kernel,))) if kernel else "--",
        counted(layer.flops),
    )


def counted(total: Total) -> str:
    """``15,552``, or ``≥15,552`` where some are unknown."""
    return f"{'≥' if total.unknown else ''}{total.at_least:,}"
