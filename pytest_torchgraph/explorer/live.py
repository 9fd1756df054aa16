"""Runs of a live model; imported before the interface stands, as an import in its thread would hold up the keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any, Literal

from pytest_torchgraph.capture.activation import values
from pytest_torchgraph.capture.cancelling import cancellable
from pytest_torchgraph.capture.progress import shown_on
from pytest_torchgraph.capture.recording import AlreadyRecording, seen_so_far
from pytest_torchgraph.capture.scaling import by_batch
from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    from pytest_torchgraph.analysis.scaling import ByBatch
    from pytest_torchgraph.explorer.loading import Job
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.activation import Values

TIMED = 2_000
"""Modules up to which a model is timed unless it is asked for."""


@contextmanager
def watched(job: Job, doing: str) -> Iterator[None]:
    """Run a model, telling how far it is; it ends at the next module call after *job* was given up."""
    job.doing, job.seen = doing, recorder_seen
    try:
        # What is no terminal is told no progress; the screen has a line for it.
        with shown_on(StringIO()), cancellable(job.is_cancelled):
            yield
    finally:
        job.seen = str


def timed_run(model: Any, inputs: Any) -> Graph:
    """One timed run, with a backward pass where the model trains and one can be had."""
    timing = runs_timed(model)
    try:
        return trace(model, inputs, backward=backward_of(model), timing=timing)
    except AlreadyRecording:
        raise
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
    return trace(model, inputs, timing=timing).noting(f"there is no backward pass: {reason}")


def runs_timed(model: Any) -> int:
    """How many runs are timed: none of a model on the meta device, which computes nothing, or of a very large one.

    To be timed, a model runs three times.
    """
    is_meta = any(one.device.type == "meta" for one in model.parameters())
    return 0 if is_meta or sum(1 for _ in model.modules()) > TIMED else 1


def backward_of(model: Any) -> Literal["auto"] | None:
    """Whether a run goes backward: it does in train mode, where something requires grad."""
    return "auto" if model.training else None


def looked_at(model: Any, inputs: Any) -> Values:
    """The values of one run, with gradients where the model trains and there can be some."""
    try:
        return values(model, inputs, backward=backward_of(model))
    except RuntimeError:
        return values(model, inputs)


def growth_of(job: Job, model: Any, args: Any, kwargs: Mapping[str, Any] | None, backward: Any) -> ByBatch:
    """How *model* grows with the batch of its inputs, recorded under fake tensors."""
    with watched(job, "recording other batches"):
        return by_batch(model, args, kwargs, backward)


def recorder_seen() -> str:
    """How far the recorder is: ``1,234 operations, in layers.3``."""
    seen = seen_so_far()
    if seen is None:
        return ""
    count, path = seen
    return times(count, "operation", ",") + (f", in {path}" if path else "")
