"""Every code block of the explorer's documentation runs as it is written, and does what it says."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import sys
import types
import typing
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pytest_torchgraph import explorer
from tests.explorer import documented as blocks
from tests.explorer.documented import run
from tests.explorer.running import terminal_of
from tests.explorer.small import pictures, tower

NAMES = {name: getattr(explorer, name) for name in explorer.__all__}


def test_forward_passes_are_timed_and_then_explored(monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokens = tower()
    run(blocks.RECORD, model=model, input_data=tokens, EMA=None, **NAMES)
    assert explorer.get_forward_stats(model)["layers.0"]["calls"] == 1
    with terminal_of(monkeypatch) as ran:
        explorer.explore_torch_module(model)
    assert ran[0].subject is not None
    assert ran[0].subject.stats["layers.0"]["calls"] == 1


def test_what_the_document_imports_is_there() -> None:
    assert {"Tree", "Worker", "work"} <= run(blocks.TEXTUAL).keys()
    assert {"Queue", "Lock", "AwaitComplete"} <= run(blocks.ASYNCIO).keys()


def test_the_record_of_a_module_has_the_documented_fields() -> None:
    names = {"dataclass": dataclasses.dataclass, **vars(typing)}
    theirs = run(blocks.MODULE_INFO, **names)["ModuleInfo"]
    told = [(field.name, field.default) for field in dataclasses.fields(theirs)]
    assert [(field.name, field.default) for field in dataclasses.fields(explorer.ModuleInfo)] == told
    assert theirs.__annotations__ == inspect.get_annotations(explorer.ModuleInfo, eval_str=True)


def test_the_settings_have_the_documented_names_and_defaults() -> None:
    theirs = run(blocks.CONFIG, **vars(typing))["ExplorerConfig"]
    ours = explorer.ExplorerConfig()
    assert theirs.__annotations__ == inspect.get_annotations(explorer.ExplorerConfig, eval_str=True)
    assert {name: getattr(theirs, name) for name in theirs.__annotations__} == vars(ours)


def test_a_model_of_a_library_is_explored(monkeypatch: pytest.MonkeyPatch) -> None:
    library: Any = types.ModuleType("torchvision.models")
    library.resnet50 = lambda pretrained: pictures()[0] if pretrained else None
    parent: Any = types.ModuleType("torchvision")
    parent.models = library
    monkeypatch.setitem(sys.modules, "torchvision", parent)
    monkeypatch.setitem(sys.modules, "torchvision.models", library)
    with terminal_of(monkeypatch) as ran:
        run(blocks.BASIC)
    assert ran[0].subject is not None
    assert ran[0].subject.title == "Pictures"


def test_a_model_of_ones_own_is_explored(monkeypatch: pytest.MonkeyPatch) -> None:
    small = blocks.CUSTOM.replace("128 * 56 * 56", "128 * 2 * 2")
    assert small != blocks.CUSTOM
    with terminal_of(monkeypatch, "j", "j") as ran:
        run(small, torch=torch, explore_model=explorer.explore_model)
    assert ran[0].outline.row is not None
    assert ran[0].outline.row.first.title == "Conv2d(64→128, 3×3)"


def test_timing_data_is_displayed_and_where_there_is_none_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokens = tower()
    with pytest.raises(explorer.CannotExplore, match="no forward pass of Tower was timed"):
        run(blocks.HOOKS, model=model, display_timing_in_explorer=explorer.display_timing_in_explorer)
    with explorer.record_torch_module_forward_stats(model):
        model(tokens)
    with terminal_of(monkeypatch) as ran:
        run(blocks.HOOKS, model=model, display_timing_in_explorer=explorer.display_timing_in_explorer)
    assert ran[0].subject is not None
    assert "layers.2.down" in ran[0].subject.stats


@pytest.mark.parametrize("build", [tower, pictures])
def test_parameters_are_counted_as_documented(build: Any) -> None:
    model, _ = build()
    assert run(blocks.MEMORY)["analyze_memory_usage"](model) == explorer.analyze_memory_usage(model)
    assert run(blocks.STATISTICS)["get_parameter_statistics"](model) == explorer.get_parameter_statistics(model)


@pytest.mark.parametrize("form", ["text", "json", "html"])
def test_a_summary_is_exported_as_documented(form: str) -> None:
    model, _ = pictures()
    theirs = run(blocks.EXPORT, **NAMES)["export_model_summary"]
    assert theirs(model, form) == explorer.export_model_summary(model, form)


def test_the_documented_worker_is_one_and_ours_gives_what_it_would() -> None:
    from textual import work
    from textual.worker import WorkerCancelled

    seen: list[str] = []
    names = {"asyncio": asyncio, "work": work, "WorkerCancelled": WorkerCancelled}
    made = run(blocks.ASYNC, analyze_module=lambda name, _: seen.append(name), **names)["analyze_model_async"]
    asyncio.run(inspect.unwrap(made)(tower()[0]))
    assert seen == [info.name for info in asyncio.run(explorer.analyze_model_async(tower()[0]))]


def test_a_module_is_looked_at_when_it_is_asked_for() -> None:
    model, _ = tower()
    theirs = run(blocks.LAZY, **NAMES)["lazy_parameter_analysis"](model)
    ours = explorer.lazy_parameter_analysis(model)
    told, mine = theirs("layers.1.up"), ours("layers.1.up")
    assert (told.module_type, told.parameter_count, told.shapes) == (
        mine.module_type,
        mine.parameter_count,
        mine.shapes,
    )


def test_a_model_from_a_file_is_explored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    torch.save(nn.Sequential(nn.Linear(2, 2)), path)
    rp = types.SimpleNamespace(input_select_file=lambda extension_filter: path if extension_filter == "pth" else None)
    with torch.serialization.safe_globals([nn.Sequential, nn.Linear]), terminal_of(monkeypatch) as ran:
        run(blocks.LOADING, rp=rp, torch=torch, explore_model=explorer.explore_model)
    assert ran[0].subject is not None


def test_a_diagram_is_made_of_the_graph_of_modules() -> None:
    rp = types.SimpleNamespace(plot_network_graph=lambda graph: len(graph.nodes))
    names = {"rp": rp, "extract_model_graph": explorer.extract_model_graph}
    assert run(blocks.DIAGRAM, **names)["generate_architecture_diagram"](pictures()[0]) == 7


def test_a_summary_is_saved(tmp_path: Path) -> None:
    def save(text: str, name: str) -> None:
        (tmp_path / name).write_text(text, encoding="utf-8")

    model, _ = tower()
    run(blocks.SAVING, rp=types.SimpleNamespace(save_text_file=save), model=model, **NAMES)
    assert (tmp_path / "model_analysis.txt").read_text(encoding="utf-8") == explorer.generate_model_summary(model)
