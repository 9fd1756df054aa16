"""The functions of the tracking API: each runs a model once, as it is, and puts everything back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.tracking.tracker import ComputationalGraphTracker
from pytest_torchgraph.words.extra import required

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph

RUNS = 3
"""Timed runs of an analysis."""


def track_computational_graph_execution(
    model: Any,
    input_tensor: Any,
    track_memory: bool = True,  # noqa: FBT001, FBT002 -- the names and places that are documented
    track_timing: bool = True,  # noqa: FBT001, FBT002
    track_tensor_ops: bool = True,  # noqa: FBT001, FBT002
    *,
    repeats: int = 1,
) -> ComputationalGraphTracker:
    """Run *model* forward, and backward where something requires grad; everything is afterwards as it was.

    *input_tensor* is a tensor, a tuple of arguments, or a mapping of keyword arguments. Times are the medians of
    *repeats* runs. The other flags are those of :class:`ComputationalGraphTracker`.
    """
    tracker = ComputationalGraphTracker(model, track_memory, track_timing, track_tensor_ops)
    tracker.take(traced(model, input_tensor, repeats if track_timing else 0, lines=track_tensor_ops))
    return tracker


def traced(model: Any, inputs: Any, runs: int, *, lines: bool = True) -> Graph:
    """The record of *model*, timed in that many runs; a note tells where gradients are wanted and cannot be had.

    Without *lines* nobody looks for the lines that ask for operations.
    """
    required("torch", "tracking")
    from pytest_torchgraph.capture.options import Options
    from pytest_torchgraph.capture.recording import AlreadyRecording
    from pytest_torchgraph.capture.tracing import traced_with

    try:
        return traced_with(model, inputs, Options(backward="auto", timing=runs, lines=lines))
    except AlreadyRecording:
        raise
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
    # Where it was the forward pass that failed, it fails again.
    return traced_with(model, inputs, Options(timing=runs, lines=lines)).noting(f"there is no backward pass: {reason}")


def analyze_computational_graph_execution(
    model: Any,
    input_tensor: Any,
    detailed: bool = True,  # noqa: FBT001, FBT002 -- the name and place that is documented
    *,
    repeats: int = RUNS,
) -> dict[str, Any]:
    """What *model* does and costs, as plain values: ``summary``, and where *detailed* all the rest.

    ``performance`` (rates, intensity, the ten costliest operations), ``layer_analysis`` (the operations of each
    module), ``layers`` (what each module costs), ``operations`` (the same by kind), ``critical_path``,
    ``recomputation`` and ``memory``. Times are the medians of *repeats* runs.
    """
    from pytest_torchgraph.tracking.analysis import details

    tracker = track_computational_graph_execution(model, input_tensor, repeats=repeats)
    found: dict[str, Any] = {"summary": tracker.get_graph_summary()}
    return {**found, **details(tracker)} if detailed else found


def visualize_computational_graph(model: Any, input_tensor: Any, renderer: str = "plotly", **options: Any) -> Any:
    """A picture of what *model* does: a figure of plotly, or of matplotlib.

    *options* are those of :func:`pytest_torchgraph.drawing.draw`. A renderer that is not installed raises
    ``ImportError``, and one that nobody knows ``ValueError``; both say what to do.
    """
    from pytest_torchgraph.tracking.picture import picture

    return picture(lambda: traced(model, input_tensor, 1), renderer, options)


def export_computational_graph(
    model: Any,
    input_tensor: Any,
    filepath: str | os.PathLike[str],
    format: str = "json",  # noqa: A002 -- documented
) -> str:
    """Write what *model* does to *filepath*, and return that path.

    *format* is one of :data:`pytest_torchgraph.tracking.export.FORMATS`; another raises ``ValueError``. A path that
    cannot be written raises ``OSError``, and nothing is left there.
    """
    from pytest_torchgraph.tracking.export import export, require_format

    require_format(format)
    return export(traced(model, input_tensor, 1), filepath, format)
