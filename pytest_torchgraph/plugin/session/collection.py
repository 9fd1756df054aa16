"""What a session collected: which test files as a whole, which tests, and whether any was taken out."""

from __future__ import annotations

from dataclasses import field
from typing import Any

import pytest

from pytest_torchgraph.plugin.location import label, node_id
from pytest_torchgraph.quick import dataclass

OWN_COLLECTION = ("pytest_pycollect_makeitem", "pytest_pycollect_makemodule", "pytest_collect_file")
"""Hooks by which a conftest file, or a plugin that the project names, makes tests that stand in no source."""


@dataclass(slots=True)
class Collection:
    """Test files by their path relative to the root directory, tests by node id; one per pytest process.

    ``whole`` are files of which pytest's own collector took every definition, ``faulty`` those that did not import,
    were skipped as a whole, or have such a class. ``picked`` says that tests were taken out, or files passed over, and
    ``own`` that the project collects in its own way.
    """

    whole: set[str] = field(default_factory=set)
    faulty: set[str] = field(default_factory=set)
    tests: set[str] = field(default_factory=set)
    picked: bool = False
    own: bool = False
    items: list[pytest.Item] = field(default_factory=list)

    def note_file(self, collector: pytest.Collector, report: pytest.CollectReport) -> None:
        """Take over how the collection of a file or a class ended."""
        if not isinstance(collector, (pytest.File, pytest.Class)):
            return
        file = label(collector.path, collector.config.rootpath)
        if report.outcome != "passed":
            self.faulty.add(file)
        elif type(collector) is pytest.Module:
            self.whole.add(file)

    def end(self, session: pytest.Session) -> None:
        """Compare what is left to run with what was collected."""
        self.picked |= len(session.items) < len(self.items)
        manager = session.config.pluginmanager
        installed = {id(plugin) for plugin, _ in manager.list_plugin_distinfo()}
        hooks = (hook for name in OWN_COLLECTION for hook in getattr(manager.hook, name).get_hookimpls())
        self.own |= any(id(hook.plugin) not in installed and not _is_of_pytest(hook.plugin) for hook in hooks)

    def settle(self) -> None:
        """Turn the collected items into node ids, once other plugins have named them."""
        self.tests.update(map(node_id, self.items))
        self.items.clear()

    def plain(self) -> dict[str, Any]:
        """What crosses from a worker."""
        return {
            "whole": sorted(self.whole),
            "faulty": sorted(self.faulty),
            "tests": sorted(self.tests),
            "picked": self.picked,
            "own": self.own,
        }

    def merge(self, found: dict[str, Any]) -> None:
        """Add what a worker collected."""
        self.whole.update(found["whole"])
        self.faulty.update(found["faulty"])
        self.tests.update(found["tests"])
        self.picked |= found["picked"]
        self.own |= found["own"]


def _is_of_pytest(plugin: object) -> bool:
    name = getattr(plugin, "__name__", None) or type(plugin).__module__
    return name.startswith("_pytest.")
