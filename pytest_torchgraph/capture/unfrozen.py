"""A graph that is worked out from its run when somebody asks for what is in it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.capture.fingerprint import fingerprint
from pytest_torchgraph.capture.graph import Run, freeze, origin_of
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.collector import collector_paused
from pytest_torchgraph.recorded.record import Record

if TYPE_CHECKING:
    from pytest_torchgraph.canonical.program import Program

FINGERPRINT = "fingerprint"


class UnfrozenGraph(Graph):
    """The graph of a run, which is frozen when any field but ``origin`` and ``notes`` is read: an ordinary one then."""

    def is_canonically(self, program: Program) -> bool:
        """Whether *program* is the canonical graph; told without working this one out where equal layers allow it."""
        run = vars(self).get("run")
        if isinstance(run, Run):
            from pytest_torchgraph.capture.folded import folded  # a check that was seen before never needs it

            with collector_paused():
                quick = folded(run, program)
                if quick is not None and quick == program:
                    return True
        return Graph.is_canonically(self, program)

    def __eq__(self, other: object) -> bool:
        """Whether the canonical graphs are equal; told by the runs alone where these are the same."""
        return _have_same_run(self, other) or Graph.__eq__(self, other)

    __hash__ = Graph.__hash__

    @property
    def is_empty(self) -> bool:
        """Whether nothing ran."""
        run = vars(self).get("run")
        if isinstance(run, Run):
            return not (run.rows or run.outputs or len(run.scopes) > 1)
        return Graph.is_empty.__get__(self)  # type: ignore[no-any-return]

    def __reduce_ex__(self, protocol: Any) -> Any:
        _freeze(self)
        return object.__reduce_ex__(self, protocol)  # of an ordinary graph, which it is by now


class _Field:
    """A field that is not there yet. Where it is, the instance has it, and this is not asked."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, graph: Graph | None, _: type) -> Any:
        if graph is None:
            raise AttributeError(self.name)
        _freeze(graph)
        return vars(graph)[self.name]


for _each in fields(Record):
    setattr(UnfrozenGraph, _each.name, _Field(_each.name))


def unfrozen(run: Run) -> Graph:
    """The graph of *run*, not worked out yet; nobody else may need the run from here on."""
    graph = object.__new__(UnfrozenGraph)
    vars(graph).update(run=run, origin=origin_of(run), notes=run.notes)
    return graph


def frozen(graph: Graph) -> Graph:
    """*graph*, worked out by now."""
    _freeze(graph)
    return graph


def fingerprint_of(graph: Graph) -> str | None:
    """The fingerprint of the run behind *graph*, which that keeps from then on.

    ``None`` where the run is not kept, or cannot be told exactly.
    """
    known = vars(graph)
    run = known.get("run")
    if FINGERPRINT not in known and isinstance(run, Run):
        known[FINGERPRINT] = fingerprint(run, known["origin"])
    found: str | None = known.get(FINGERPRINT)
    return found


def _have_same_run(graph: Graph, other: object) -> bool:
    told = fingerprint_of(other) if isinstance(other, Graph) else None
    return told is not None and told == fingerprint_of(graph)


def _freeze(graph: Graph) -> None:
    known = vars(graph)
    run = known.pop("run", None)
    if isinstance(run, Run):
        with collector_paused():
            known.update(vars(freeze(run, lets_go=True)) | known)
        object.__setattr__(graph, "__class__", Graph)
