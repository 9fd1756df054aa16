"""``--torchgraph-op-coverage``: which of PyTorch's operations the models of a test suite exercised."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_torchgraph.plugin.settings import settings
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph

NAME = "torchgraph-op-coverage"
PHASES = ("forward", "backward", "optimizer")
"""These come first in a table, in this order; others follow by name."""


def configure(config: pytest.Config) -> None:
    """Follow the session where an option asks for it."""
    if settings(config).covering:
        config.pluginmanager.register(Coverage(), NAME)


def note(config: pytest.Config, test: str, graph: Graph) -> None:
    """Count the operations of *graph*."""
    coverage = config.pluginmanager.get_plugin(NAME)
    if isinstance(coverage, Coverage):
        coverage.add(test, graph)


@dataclass(slots=True)
class Coverage:
    """Operations without overload by phase, with how often they ran; what the catalogue has; and the tests.

    With xdist each worker counts for itself, and the controller adds up.
    """

    torch: str = ""
    tests: set[str] = field(default_factory=set)
    catalogue: set[str] = field(default_factory=set)
    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, test: str, graph: Graph) -> None:
        """Count what one recording ran."""
        from pytest_torchgraph.catalog.vocabulary import operation_names
        from pytest_torchgraph.recorded.operation import packet_of

        self.torch = graph.origin.torch
        self.tests.add(test)
        if not self.catalogue:
            self.catalogue = {packet_of(name) for name in operation_names()}
        for operation in graph.operations:
            self.counts.setdefault(operation.phase, Counter())[operation.packet] += 1

    def merge(self, found: dict[str, Any]) -> None:
        """Add what a worker counted."""
        self.torch = found["torch"] or self.torch
        self.tests.update(found["tests"])
        self.catalogue.update(found["catalogue"])
        for phase, counts in found["counts"].items():
            self.counts.setdefault(phase, Counter()).update(counts)

    def plain(self) -> dict[str, Any]:
        """What crosses from a worker, and goes into the file."""
        counts = {phase: dict(sorted(self.counts[phase].items())) for phase in self.phases()}
        return {
            "torch": self.torch,
            "tests": sorted(self.tests),
            "counts": counts,
            "catalogue": sorted(self.catalogue),
        }

    def phases(self) -> list[str]:
        """The phases that were recorded."""
        known = [phase for phase in PHASES if phase in self.counts]
        return known + sorted(self.counts.keys() - set(PHASES))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send a worker's counts."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[NAME] = self.plain()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over a worker's counts."""
        output = getattr(node, "workeroutput", None) or {}
        if NAME in output:
            self.merge(output[NAME])

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        """Print the table, and write the file."""
        terminalreporter.write_sep("-", "torchgraph operation coverage")
        for line in self.lines(named=config.get_verbosity() > 0):
            terminalreporter.write_line(line)
        file = config.getoption("torchgraph_op_coverage_json")
        if file:
            path = config.invocation_params.dir / file
            try:
                path.write_text(json.dumps(self.record(), indent=1) + "\n", encoding="utf-8")
                terminalreporter.write_line(f"wrote {file}")
            except OSError as error:
                terminalreporter.write_line(f"{file} was not written: {error.strerror}", red=True)

    def record(self) -> dict[str, Any]:
        """The coverage for programs."""
        exercised = self.exercised()
        return {
            **self.plain(),
            "exercised": sorted(exercised),
            "not_exercised": sorted(self.catalogue - exercised),
        }

    def exercised(self) -> set[str]:
        """The operations that ran in any phase."""
        return set().union(*self.counts.values())

    def lines(self, *, named: bool) -> Iterator[str]:
        """The table; *named* lists the operations below it."""
        if not self.tests:
            yield "no model was recorded: nothing called torch_graph.check, trace or record"
            return
        phases = self.phases()
        tests = times(len(self.tests), "test")
        yield f"operations of PyTorch {self.torch} that the models of {tests} exercised"
        yield f"{'namespace':<16}" + "".join(f"{phase:>12}" for phase in (*phases, "any", "catalogue", "share"))
        for namespace in sorted({name.partition(".")[0] for name in self.exercised()}):
            yield self.row(namespace, phases)
        if named:
            for phase in phases:
                yield f"{phase}:"
                yield from (f"  {name} {count}" for name, count in sorted(self.counts[phase].items()))

    def row(self, namespace: str, phases: list[str]) -> str:
        """One line of the table; what the catalogue does not have, such as higher-order operators, has no share."""
        prefix = f"{namespace}."
        cells = [str(sum(name.startswith(prefix) for name in self.counts[phase])) for phase in phases]
        reached = {name for name in self.exercised() if name.startswith(prefix)}
        known = {name for name in self.catalogue if name.startswith(prefix)}
        share = f"{len(reached & known) / len(known):.1%}" if known else "?"
        return f"{namespace:<16}" + "".join(f"{cell:>12}" for cell in (*cells, len(reached), len(known) or "?", share))
