"""What is explored: a tree of modules, and as much of a run as is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pytest_torchgraph.analysis.cost import paths_above
from pytest_torchgraph.analysis.layer import Ends, layers
from pytest_torchgraph.analysis.tally import Total
from pytest_torchgraph.explorer.config import ExplorerConfig
from pytest_torchgraph.explorer.folding import Likeness
from pytest_torchgraph.explorer.module import Module, walked
from pytest_torchgraph.explorer.scopes import tree_of_graph
from pytest_torchgraph.explorer.stats import stats_of
from pytest_torchgraph.recorded.collector import collector_paused
from pytest_torchgraph.recorded.operation import operands_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.report.memory import memory_of
from pytest_torchgraph.snapshot.recorded import recorded_line

if TYPE_CHECKING:
    from pytest_torchgraph.analysis.layer import Layer
    from pytest_torchgraph.analysis.scaling import ByBatch
    from pytest_torchgraph.comparison import Comparison
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.recorded.activation import Values

LARGE = 5_000
"""Modules or operations from which on what is told of them is worked out beside the interface."""
HELD_KINDS = frozenset({"parameter", "buffer"})
Known: TypeAlias = Literal["model", "run", "file"]
"""What is known: modules alone, a run that was recorded here, or what a file holds of one."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is explored.

    Where there are two, ``tree`` is that of the one after with the modules of the one ``before`` that are ``gone``;
    ``alone`` is that of the one after by itself. ``model`` is the live one, where there is one. ``layers`` are what the
    modules cost in the run, by path, ``recorded`` is the note on what recorded it. ``amounts`` keeps what is known.
    """

    title: str
    tree: Module
    graph: Graph | None = None
    recorded: str = ""
    layers: Mapping[str, Layer] = field(default_factory=dict, repr=False)
    model: Any = field(default=None, repr=False)
    values: Values | None = field(default=None, repr=False)
    growth: ByBatch | None = field(default=None, repr=False)
    before: Subject | None = field(default=None, repr=False)
    alone: Module | None = field(default=None, repr=False)
    gone: frozenset[str] = frozenset()
    comparison: Comparison | None = field(default=None, repr=False)
    config: ExplorerConfig = field(default_factory=ExplorerConfig)
    amounts: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_large(self) -> bool:
        """Whether panels and searches take long enough to be felt."""
        return len(self.modules) > LARGE or (self.graph is not None and len(self.graph.operations) > LARGE)

    @property
    def known(self) -> Known:
        """How much is known."""
        if self.graph is None:
            return "model"
        return "file" if self.graph.memory.lives is None else "run"

    @cached_property
    def modules(self) -> dict[str, Module]:
        """Every module by path."""
        return {module.path: module for module in walked(self.tree)}

    @cached_property
    def modules_alone(self) -> dict[str, Module]:
        """The same without those that are gone."""
        return {module.path: module for module in walked(self.alone or self.tree)}

    @cached_property
    def stats(self) -> dict[str, dict[str, float]]:
        """Times of module calls."""
        return {} if self.graph is None else stats_of(self.graph)

    @cached_property
    def calls_beneath(self) -> dict[str, list[int]]:
        """Module calls of each module and of all inside of it, by position."""
        found: dict[str, list[int]] = {}
        if self.graph is not None:
            for scope in self.graph.scopes:
                for path in paths_above(self.graph, scope.index):
                    found.setdefault(path, []).append(scope.index)
        return found

    @cached_property
    def _by_scope(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        if self.graph is not None:
            for operation in self.graph.operations:
                found.setdefault(operation.scope, []).append(operation.index)
        return found

    @cached_property
    def likeness(self) -> Likeness:
        """Which modules are alike."""
        found = Likeness()
        found.of(self.tree)
        return found

    @cached_property
    def work(self) -> tuple[int, Total]:
        """How many operations do work, and their FLOPs."""
        return (0, Total(0)) if self.graph is None else (self.graph.count("ops"), self.graph.flops)

    @cached_property
    def readers(self) -> dict[int, list[int]]:
        """Positions of the operations that read each storage, views and what goes backward apart."""
        found: dict[int, list[int]] = {}
        if self.graph is not None:
            for operation in self.graph.operations:
                if operation.phase == FORWARD and not operation.is_view:
                    for storage in {one.storage for one in operands_of(operation)}:
                        found.setdefault(storage, []).append(operation.index)
        return found

    @cached_property
    def writers(self) -> dict[int, list[int]]:
        """Positions of the operations that write to each storage after it was made."""
        found: dict[int, list[int]] = {}
        for operation in self.graph.operations if self.graph is not None else ():
            for storage in operation.writes:
                found.setdefault(storage, []).append(operation.index)
        return found

    @cached_property
    def ends(self) -> Ends | None:
        """What goes into module calls and comes out."""
        return None if self.graph is None else Ends(self.graph)

    @cached_property
    def memory(self) -> dict[str, Any] | None:
        """The curve of live bytes; ``None`` where it is not known."""
        return memory_of(self.graph)

    def calls_in(self, path: str) -> list[int]:
        """Module calls of the module at *path* and of all inside it; what only holds others is never called itself."""
        found = self.calls_beneath.get(path)
        if found is None and path in self.modules:
            found = [call for child in self.modules[path].children for call in self.calls_in(child.path)]
        return found or []

    def operations(self, path: str) -> list[int]:
        """Positions of the operations of the module at *path* and of all inside it, in order."""
        return sorted({index for scope in self.calls_in(path) for index in self._by_scope.get(scope, ())})

    def reads(self, path: str) -> list[str]:
        """Names of the parameters and buffers that operations of the module read and another one holds."""
        graph = self.graph
        if graph is None:
            return []
        own = f"{path}." if path else ""
        scopes = [index for index in self.calls_beneath.get(path, ()) if graph.scopes[index].path == path]
        found = {
            storage.name: None
            for scope in scopes
            for index in self._by_scope.get(scope, ())
            for operand in operands_of(graph.operations[index])
            if (storage := graph.storages[operand.storage]).kind in HELD_KINDS
            and graph.operations[index].phase == FORWARD
        }
        return [name for name in found if name is not None and not name.startswith(own)]

    @cached_property
    def changes(self) -> Counter[str]:
        """How many changes there are in each module, all inside it counted; nothing without a second graph."""
        return Counter() if self.comparison is None else changes_by_path(self.comparison)

    def with_values(self, values: Values, growth: ByBatch | None = None) -> Subject:
        """The same with the values of a run, and how it grows with its batch."""
        return self._other(values=values, growth=growth)

    def configured(self, config: ExplorerConfig) -> Subject:
        """The same shown as *config* says."""
        return self if config == self.config else self._other(config=config)

    def _other(self, **changes: Any) -> Subject:
        """The same but for *changes*, on which nothing depends that was worked out."""
        made = replace(self, **changes, amounts={})
        known = {one.name for one in fields(self)}
        vars(made).update({name: value for name, value in vars(self).items() if name not in known})
        return made

    def warmed(self) -> Subject:
        """The same, with all that takes long worked out."""
        with collector_paused():
            _ = self.modules, self.calls_beneath, self._by_scope, self.stats, self.changes
            _ = self.likeness, self.work
            _ = self.readers, self.writers, self.ends, self.memory
        return self


def changes_by_path(comparison: Comparison) -> Counter[str]:
    """Changes by the module in which they were made and those around it; what only follows from others apart."""
    from pytest_torchgraph.diff.change import Altered
    from pytest_torchgraph.diff.grouping import scope_of

    found: Counter[str] = Counter()
    for change in comparison.difference.changes:
        if not (isinstance(change, Altered) and change.follows):
            found.update(prefixes(scope_of(change).module))
    return found


def prefixes(path: str) -> Iterable[str]:
    """``""``, ``"a"``, ``"a.b"`` for ``"a.b"``."""
    parts = path.split(".") if path else []
    return [".".join(parts[:end]) for end in range(len(parts) + 1)]


def of_model(model: Any, config: ExplorerConfig | None = None) -> Subject:
    """The subject of a live model that was not run."""
    from pytest_torchgraph.explorer.model import tree_of

    tree = tree_of(model)
    subject = Subject(title=tree.class_name, tree=tree, model=model, config=config or ExplorerConfig())
    return subject.warmed()


def of_graph(graph: Graph, *, title: str = "", around: Subject | None = None, recorded: str = "") -> Subject:
    """The subject of a *graph*; *around* is that of the live model that ran, *recorded* the note of its file."""
    with collector_paused():
        tree = tree_of_graph(graph, model=None if around is None else around.tree)
        found = {layer.path: layer for layer in layers(graph)}
        note = recorded or recorded_line(graph)
    if around is None:
        around = Subject(title=title or tree.class_name, tree=tree)
    return replace(around, tree=tree, graph=graph, layers=found, recorded=note, amounts={}).warmed()
