"""Where subjects come from: a live model, a graph, a snapshot, or two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.explorer.config import ExplorerConfig
from pytest_torchgraph.explorer.loading import Job, Source
from pytest_torchgraph.explorer.model import require_module
from pytest_torchgraph.explorer.pair import of_pair
from pytest_torchgraph.explorer.stats import get_forward_stats
from pytest_torchgraph.explorer.subject import Subject, of_graph, of_model

if TYPE_CHECKING:
    from pytest_torchgraph.analysis.scaling import ByBatch
    from pytest_torchgraph.diff.same import Same
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.activation import Values
    from pytest_torchgraph.snapshot.reader import Snapshot


def of_live(
    model: Any, inputs: Any = None, config: ExplorerConfig | None = None, graph: Callable[[], Graph] | None = None
) -> Source:
    """A live *model*: its modules, then what one run with *inputs* did, or what *graph* gives.

    Without either, the times that were recorded of it last.
    """
    from pytest_torchgraph.capture.activation import parameters
    from pytest_torchgraph.capture.cancelling import modes_here
    from pytest_torchgraph.explorer import live

    require_module(model)
    modes = modes_here()
    run = graph if graph is not None else None if inputs is None else lambda: live.timed_run(model, inputs)

    def stages(job: Job) -> Iterator[Subject]:
        with modes():
            yield from of_ran(job, model, run, config or ExplorerConfig())

    def values(job: Job) -> Values:
        with modes(), live.watched(job, "looking at values"):
            return parameters(model) if inputs is None else live.looked_at(model, inputs)

    def growth(job: Job) -> ByBatch:
        with modes():
            return live.growth_of(job, model, inputs, None, live.backward_of(model))

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
        from pytest_torchgraph.explorer.live import watched

        with watched(job, "recording"):
            recorded = run()
    elif model is not None:
        recorded = get_forward_stats(model).graph
    if recorded is not None:
        with job.pure("working out costs"):
            subject = configured(of_graph(recorded, around=subject), config)
        yield subject


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
