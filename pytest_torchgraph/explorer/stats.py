"""Times of the module calls in the user's own forward passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from statistics import fmean
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pytest_torchgraph.explorer.model import require_module

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph

_recorded: WeakKeyDictionary[Any, Graph] = WeakKeyDictionary()


class ForwardStats(Mapping[str, "dict[str, float]"]):
    """By path of a module: ``calls``, and in seconds the ``total``, ``mean``, ``min`` and ``max`` of its calls.

    The model itself is at ``""``. Seconds are those between the beginning and the end of a call, the recorder's own
    time taken out. ``graph`` is the record that they are read from, ``model`` the model.
    """

    def __init__(self, model: Any, graph: Graph | None) -> None:
        self.model = model
        self.graph = graph
        self._stats = {} if graph is None else stats_of(graph)

    def __getitem__(self, path: str) -> dict[str, float]:
        return self._stats[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stats)

    def __len__(self) -> int:
        return len(self._stats)

    def __repr__(self) -> str:
        return f"ForwardStats({self._stats!r})"


def stats_of(graph: Graph) -> dict[str, dict[str, float]]:
    """What :class:`ForwardStats` tells of *graph*; nothing where it was not timed."""
    if graph.timing is None:
        return {}
    seconds: dict[str, list[float]] = {}
    # The first scope of a recorded block is the block itself, which may hold calls of the whole model.
    around = any(not scope.path for scope in graph.scopes[1:])
    for scope, span in zip(graph.scopes, graph.timing.scopes, strict=True):
        if not (scope.recomputed or (around and scope.parent is None)):
            seconds.setdefault(scope.path, []).append(span.seconds)
    return {
        path: {
            "calls": float(len(each)),
            "total": sum(each),
            "mean": fmean(each),
            "min": min(each),
            "max": max(each),
        }
        for path, each in seconds.items()
    }


@contextmanager
def record_torch_module_forward_stats(model: Any) -> Iterator[None]:
    """Time every module call of *model* inside the context; :func:`get_forward_stats` tells, and the explorer shows.

    The code inside runs as it is, once, and nothing is put back. A later recording takes the place of an earlier one;
    one that ends with an exception takes no place. Raises ``AlreadyRecording`` inside of another recording.
    """
    require_module(model)
    from pytest_torchgraph.capture.recording import record

    with record(model, timing=True) as recording:
        yield
    _recorded[model] = recording.graph


def get_forward_stats(model: Any) -> ForwardStats:
    """The times of *model* that were recorded last; empty where none were."""
    require_module(model)
    return ForwardStats(model, _recorded.get(model))
