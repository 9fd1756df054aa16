"""A model told in a file: as text, JSON or a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, TypeAlias

from pytest_torchgraph.explorer.config import ExplorerConfig, ModuleInfo
from pytest_torchgraph.explorer.folding import Likeness, Run
from pytest_torchgraph.explorer.formatting import bytes_text, count_text, time_text
from pytest_torchgraph.explorer.model import tree_of
from pytest_torchgraph.explorer.module import Module, walked
from pytest_torchgraph.explorer.page import page_of
from pytest_torchgraph.explorer.stats import get_forward_stats
from pytest_torchgraph.words.counting import times
from pytest_torchgraph.words.nearest import nearest
from pytest_torchgraph.words.printable import printable

Stats: TypeAlias = Mapping[str, "dict[str, float]"]
BRANCH, LAST, THROUGH, GAP = "├── ", "└── ", "│   ", "    "


def export_model_summary(
    model: Any,
    format: str = "text",  # noqa: A002 -- documented
    config: ExplorerConfig | None = None,
) -> str:
    """*model* as ``text``, ``json`` or ``html``; raises ``ValueError`` for another *format*."""
    if format not in FORMATS:
        raise ValueError(f"there is no format {format!r}{nearest(str(format), FORMATS)} Formats: {', '.join(FORMATS)}.")
    return FORMATS[format](model, config)


def generate_text_summary(model: Any, config: ExplorerConfig | None = None) -> str:
    """The tree of modules, one line each, and the totals."""
    return as_text(tree_of(model), config or ExplorerConfig(), get_forward_stats(model))


def generate_model_summary(model: Any, config: ExplorerConfig | None = None) -> str:
    """The summary as text."""
    return generate_text_summary(model, config)


def generate_json_summary(model: Any, config: ExplorerConfig | None = None) -> str:
    """``model``, ``parameters`` (as :func:`get_parameter_statistics`) and ``modules`` (as :class:`ModuleInfo`).

    Of a lazy module that has no parameters yet, nothing is counted.
    """
    return as_json(tree_of(model), config or ExplorerConfig(), get_forward_stats(model))


def generate_html_summary(model: Any, config: ExplorerConfig | None = None) -> str:
    """A page that needs no network: the tree of modules, to open and close."""
    return page_of(tree_of(model), config or ExplorerConfig(), get_forward_stats(model))


def as_text(tree: Module, config: ExplorerConfig, stats: Stats) -> str:
    """*tree* as lines."""
    return "\n".join(Lines(config, stats).of(tree)) + "\n"


def as_json(tree: Module, config: ExplorerConfig, stats: Stats) -> str:
    """*tree* as an object of JSON; a module that stands at several places is told at the first."""
    config.check()
    deepest = config.max_depth
    told = (one for one in walked(tree) if one.same_as is None and (deepest is None or one.depth <= deepest))
    total, trained = tree.parameters.at_least, tree.trainable
    found = {
        "model": tree.class_name,
        "parameters": {
            "total_params": total,
            "trainable_params": trained,
            "non_trainable_params": None if trained is None else total - trained,
            "memory_usage": tree.parameter_bytes.at_least,
        },
        "modules": [asdict(info_of(one, stats)) for one in told],
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def info_of(module: Module, stats: Stats) -> ModuleInfo:
    """The record of one module."""
    return ModuleInfo(
        name=module.path,
        module_type=module.class_name,
        parameter_count=module.parameters.at_least,
        shapes={one.name: one.shape for one in module.held if one.shape is not None},
        timing_stats=stats.get(module.path),
        memory_usage=module.parameter_bytes.at_least + module.buffer_bytes.at_least,
    )


FORMATS: dict[str, Callable[[Any, ExplorerConfig | None], str]] = {
    "text": generate_text_summary,
    "json": generate_json_summary,
    "html": generate_html_summary,
}
TREES: dict[str, Callable[[Module, ExplorerConfig, Stats], str]] = {"text": as_text, "json": as_json, "html": page_of}
"""The same of a tree; the end of a file's name for each is in :data:`SUFFIXES`."""
SUFFIXES = {".txt": "text", ".json": "json", ".html": "html", ".htm": "html"}


class Lines:
    """Writes a tree as lines."""

    def __init__(self, config: ExplorerConfig, stats: Stats) -> None:
        config.check()
        self.config, self.stats, self.likeness = config, stats, Likeness()

    def of(self, tree: Module) -> Iterator[str]:
        """All lines."""
        runs = list(self._runs(tree))
        yield f"{printable(tree.class_name)}("
        if self.config.show_parameter_counts:
            yield f"{BRANCH if runs else LAST}{count_text(tree.parameters)} parameters"
        yield from self._beneath(runs, "")
        yield ")"
        yield from self._totals(tree)

    def _runs(self, module: Module) -> Iterator[Run]:
        if self.config.max_depth is not None and module.depth >= self.config.max_depth:
            return
        if self.config.compact_view:
            yield from self.likeness.runs(module.children)
        else:
            yield from (Run((child,)) for child in module.children)

    def _beneath(self, runs: list[Run], before: str) -> Iterator[str]:
        for place, run in enumerate(runs):
            is_last = place == len(runs) - 1
            yield f"{before}{LAST if is_last else BRANCH}{self._line(run)}"
            yield from self._beneath(list(self._runs(run.first)), before + (GAP if is_last else THROUGH))

    def _line(self, run: Run) -> str:
        module = run.first
        title = module.title if self.config.show_shapes else module.class_name
        told = [f"{count_text(module.parameters)} params"] if self.config.show_parameter_counts else []
        if self.config.show_timing and module.path in self.stats:
            told.append(time_text(self.stats[module.path]["mean"]))
        many = f" ×{len(run.members)}" if run.is_fold else ""
        brackets = f" [{', '.join(told)}]" if told else ""
        same = f" (the same as {printable(module.same_as)})" if module.same_as is not None else ""
        return f"{printable(run.name)}: {printable(title)}{many}{brackets}{same}"

    def _totals(self, tree: Module) -> Iterator[str]:
        if not self.config.show_memory:
            return
        trained = "" if tree.trainable is None else f", {tree.trainable:,} trained"
        parts = [f"parameters {bytes_text(tree.parameter_bytes)}"]
        parts += [f"buffers {bytes_text(tree.buffer_bytes)}"] if tree.buffer_bytes.at_least else []
        exact = f"{'at least ' if tree.parameters.unknown else ''}{times(tree.parameters.at_least, 'parameter', ',')}"
        yield f"{exact}{trained}; {', '.join(parts)}"
