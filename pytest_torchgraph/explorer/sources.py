"""Where subjects come from: a live model, a graph, a snapshot, or two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, Any, Literal

from pytest_torchgraph.explorer.config import ExplorerConfig
from pytest_torchgraph.explorer.loading import Job, Source
from pytest_torchgraph.explorer.model import require_module
from pytest_torchgraph.explorer.pair import of_pair
from pytest_torchgraph.explorer.stats import get_forward_stats
from pytest_torchgraph.explorer.subject import Subject, of_graph, of_model
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    from pytest_torchgraph.analysis.scaling import ByBatch
    from pytest_torchgraph.diff.same import Same
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.activation import Values
    from pytest_torchgraph.snapshot.reader import Snapshot

TIMED = 2_000
"""Modules up to which a model is timed unless it is asked for."""


def of_live(
    model: Any, inputs: Any = None, config: ExplorerConfig | None = None, graph: Callable[[], Graph] | None = None
) -> Source:
    """A live *model*: its modules, then what one run with *inputs* did, or what *graph* gives.

    Without either, the times that were recorded of it last.
    """
    from pytest_torchgraph.capture.cancelling import modes_here

    require_module(model)
    modes = modes_here()
    run = graph if graph is not None else None if inputs is None else lambda: traced(model, inputs)

    def stages(job: Job) -> Iterator[Subject]:
        with modes():
            yield from of_ran(job, model, run, config or ExplorerConfig())

    def values(job: Job) -> Values:
        from pytest_torchgraph.capture import activation

        with modes(), watched(job, "looking at values"):
            return activation.parameters(model) if inputs is None else looked_at(model, inputs)

    def growth(job: Job) -> ByBatch:
        with modes():
            return grown(job, model, inputs, None, backward_of(model))

    return Source(type(model).__name__, stages, values, None if inputs is None else growth)


def of_ran(job: Job, model: Any, run: Callable[[], Graph] | None, config: ExplorerConfig) -> Iterator[Subject]:
    """The modules of *model*, where it is a module, then what *run* did, or the times that were recorded of it last."""
    subject = None
    if model is not None:
        with job.pure("reading the modules"):
            subject = of_model(model, config)
        yield subject
    recorded = None
    if run is not None:
        with watched(job, "recording"):
            recorded = run()
    elif model is not None:
        recorded = get_forward_stats(model).graph
    if recorded is not None:
        with job.pure("working out costs"):
            subject = configured(of_graph(recorded, around=subject), config)
        yield subject


@contextmanager
def watched(job: Job, doing: str) -> Iterator[None]:
    """Run a model, telling how far it is; it ends at the next module call after *job* was given up."""
    from pytest_torchgraph.capture.cancelling import cancellable
    from pytest_torchgraph.capture.progress import shown_on

    job.doing, job.seen = doing, recorder_seen
    try:
        # What is no terminal is told no progress; the screen has a line for it.
        with shown_on(StringIO()), cancellable(job.is_cancelled):
            yield
    finally:
        job.seen = str


def traced(model: Any, inputs: Any) -> Graph:
    """One timed run, with a backward pass where the model trains and one can be had."""
    from pytest_torchgraph.capture.recording import AlreadyRecording
    from pytest_torchgraph.capture.tracing import trace

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
    from pytest_torchgraph.capture.activation import values

    try:
        return values(model, inputs, backward=backward_of(model))
    except RuntimeError:
        return values(model, inputs)


def grown(job: Job, model: Any, args: Any, kwargs: Mapping[str, Any] | None, backward: Any) -> ByBatch:
    """How *model* grows with the batch of its inputs, recorded under fake tensors."""
    from pytest_torchgraph.capture.scaling import by_batch

    with watched(job, "recording other batches"):
        return by_batch(model, args, kwargs, backward)


def recorder_seen() -> str:
    """How far the recorder is: ``1,234 operations, in layers.3``."""
    from pytest_torchgraph.capture.recording import seen_so_far

    seen = seen_so_far()
    if seen is None:
        return ""
    count, path = seen
    return times(count, "operation", ",") + (f", in {path}" if path else "")


def of_record(graph: Graph, title: str = "", config: ExplorerConfig | None = None) -> Source:
    """A *graph* that was recorded or read."""

    def stages(job: Job) -> Iterator[Subject]:
        with job.pure("working out costs"):
            yield configured(of_graph(graph, title=title), config)

    return Source(title or graph.scopes[0].class_name, stages)


def of_snapshot(read: Callable[[], Snapshot], title: str, config: ExplorerConfig | None = None) -> Source:
    """A snapshot, which *read* gives."""

    def stages(job: Job) -> Iterator[Subject]:
        with job.pure(f"reading {title}"):
            from pytest_torchgraph.snapshot.loading import graph_of

            snapshot = read()
            subject = of_graph(graph_of(snapshot), title=title, recorded=snapshot.recorded)
        yield configured(subject, config)

    return Source(title, stages)


def configured(subject: Subject, config: ExplorerConfig | None) -> Subject:
    """*subject* shown as *config* says."""
    return subject if config is None else subject.configured(config)


def of_two(before: Source, after: Source, config: ExplorerConfig | None = None, same: Same | None = None) -> Source:
    """What changed from *before* to *after*; *same* says which module is which where the names do not tell."""

    def stages(job: Job) -> Iterator[Subject]:
        left = last(before.stages(job))
        right = configured(last(after.stages(job)), config)
        comparison = None
        if left.graph is not None and right.graph is not None:
            from pytest_torchgraph.comparison import Comparison

            programs, live = (
                (left.graph.canonical, right.graph.canonical),
                right.graph if right.known == "run" else None,
            )
            with job.pure("comparing"):
                comparison = Comparison.of(*programs, (left.recorded, right.recorded), live=live, same=same or {})
        with job.pure("comparing"):
            subject = of_pair(left, right, comparison)
        yield subject

    return Source(f"{before.title} → {after.title}", stages, after.values)


def last(stages: Iterator[Subject]) -> Subject:
    """The last of *stages*, which knows most."""
    *_, subject = stages
    return subject
