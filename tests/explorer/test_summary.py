"""A model is told truthfully in records, text, JSON and a page."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
import torch
from torch import nn

from pytest_torchgraph.explorer import (
    ExplorerConfig,
    ModuleInfo,
    analyze_memory_usage,
    analyze_model_async,
    analyze_module_detailed,
    export_model_summary,
    extract_model_graph,
    generate_architecture_diagram,
    generate_model_summary,
    get_module_by_path,
    get_parameter_statistics,
    lazy_parameter_analysis,
)
from tests.explorer.small import pictures, tower


def test_the_tree_is_written_as_documented() -> None:
    model, _ = pictures()
    assert generate_model_summary(model).splitlines()[:8] == [
        "Pictures(",
        "├── 661 parameters",
        "├── conv1: Conv2d(3→4, 7×7) [588 params]",
        "├── bn1: BatchNorm2d(4) [8 params]",
        "├── relu: ReLU(inplace=True) [0 params]",
        "├── maxpool: MaxPool2d(3×3, stride=2) [0 params]",
        "├── depthwise: Conv2d(4→4, 3×3, groups=4) [40 params]",
        "└── fc: Linear(4→5) [25 params]",
    ]


def test_a_shared_parameter_counts_once_and_in_both_of_its_modules() -> None:
    model, _ = tower()
    assert get_parameter_statistics(model)["total_params"] == 80 + 3 * (16 + 144 + 136)
    text = generate_model_summary(model)
    assert "embed: Embedding(10×8) [80 params]" in text
    assert "head: Linear(8→10) [80 params]" in text
    assert "├── 968 parameters" in text


def test_a_compact_view_tells_layers_that_are_alike_once() -> None:
    text = generate_model_summary(tower()[0], ExplorerConfig(compact_view=True))
    assert "0-2: Layer ×3" in text
    assert text.count("norm: LayerNorm(8)") == 1


def test_a_layer_that_differs_is_told_by_itself() -> None:
    model, _ = tower()
    next(model.layers[1].parameters()).requires_grad_(False)
    text = generate_model_summary(model, ExplorerConfig(compact_view=True))
    names = [line.strip("│├─└ ").partition(" [")[0] for line in text.splitlines()]
    assert [name for name in names if ": Layer" in name and "Norm" not in name] == ["0: Layer", "1: Layer", "2: Layer"]


@pytest.mark.parametrize(
    ("config", "gone"),
    [
        (ExplorerConfig(show_parameter_counts=False), "params"),
        (ExplorerConfig(show_shapes=False), "3→4"),
        (ExplorerConfig(show_memory=False), "KiB"),
        (ExplorerConfig(max_depth=0), "conv1"),
    ],
)
def test_what_is_not_wanted_is_not_told(config: ExplorerConfig, gone: str) -> None:
    model, _ = pictures()
    assert gone in generate_model_summary(model)
    assert gone not in generate_model_summary(model, config)


@pytest.mark.parametrize("given", [{"max_depth": -1}, {"max_depth": True}, {"color_scheme": ""}])
def test_a_setting_that_means_nothing_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        ExplorerConfig(**given)  # type: ignore[arg-type]


def test_json_holds_every_module_and_the_totals() -> None:
    model, _ = pictures()
    found = json.loads(export_model_summary(model, "json"))
    assert found["parameters"] == get_parameter_statistics(model)
    assert [module["name"] for module in found["modules"]] == [name for name, _ in model.named_modules()]
    assert found["modules"][1]["shapes"] == {"weight": [4, 3, 7, 7]}


def test_the_page_runs_no_script_and_escapes_names() -> None:
    model = nn.Sequential()
    model.add_module("<script>alert(1)</script>", nn.Linear(2, 2))
    page = export_model_summary(model, "html")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page
    assert page.count("<details") == page.count("</details>") == 1


def test_a_name_with_control_characters_is_shown_escaped() -> None:
    model = nn.Sequential()
    model.add_module("\x1b[31mred", nn.Identity())
    assert r"\x1b[31mred: Identity" in generate_model_summary(model)
    assert "\x1b" not in export_model_summary(model, "html")


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"there is no format 'jsn'; did you mean 'json'. Formats: text, json, html"):
        export_model_summary(pictures()[0], "jsn")


@pytest.mark.parametrize("wrong", [nn.Linear, 3, "model"])
def test_what_is_no_model_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match="expected a"):
        generate_model_summary(wrong)


def test_a_module_is_found_by_its_path_and_told_when_asked_for() -> None:
    model, _ = tower()
    assert get_module_by_path(model, "layers.1.up") is model.layers[1].up
    assert get_module_by_path(model, "") is model
    asked = lazy_parameter_analysis(model)
    assert asked("layers.1.up") == ModuleInfo(
        "layers.1.up", "Linear", 144, {"weight": (16, 8), "bias": (16,)}, None, 576
    )
    with pytest.raises(LookupError, match=r"has no module 'layers.1.upp'; did you mean 'layers.1.up'"):
        asked("layers.1.upp")


def test_every_module_is_told_while_others_have_their_turn() -> None:
    model = nn.Sequential(*(nn.Identity() for _ in range(250)))
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def both() -> list[ModuleInfo]:
        beside = asyncio.ensure_future(other())
        found = await analyze_model_async(model)
        beside.cancel()
        return found

    assert [info.name for info in asyncio.run(both())] == [name for name, _ in model.named_modules()]
    assert turns >= 3


def test_bytes_are_those_of_each_dtype() -> None:
    model = nn.Sequential(nn.Linear(2, 3).to(torch.bfloat16), nn.Linear(3, 1))
    assert analyze_memory_usage(model) == {"0.weight": 12, "0.bias": 6, "1.weight": 12, "1.bias": 4}
    assert analyze_module_detailed(model[0]).memory_usage == 18


def test_a_lazy_module_has_parameters_that_nobody_knows_yet() -> None:
    text = generate_model_summary(nn.Sequential(nn.LazyLinear(4), nn.Linear(4, 4)))
    assert "├── ≥20 parameters" in text
    assert re.search(r"0: LazyLinear\(.*\) \[\? params\]", text)


def test_a_graph_of_modules_says_what_contains_what_and_where_tensors_flow() -> None:
    model, x = pictures()
    graph = extract_model_graph(model, x)
    flows = [(edge.source, edge.target) for edge in graph.edges if edge.kind == "flow"]
    assert flows[:4] == [("conv1", "bn1"), ("bn1", "relu"), ("relu", "maxpool"), ("maxpool", "depthwise")]
    assert {edge.kind for edge in extract_model_graph(model).edges} == {"contains"}


def test_a_diagram_is_one_digraph_with_and_without_a_run() -> None:
    model, x = pictures()
    still, run = generate_architecture_diagram(model), generate_architecture_diagram(model, x)
    assert 'label="conv1: Conv2d(3→4, 7×7)\\n588 params"' in still
    assert still.startswith("digraph")
    assert run.startswith("digraph")
    assert "convolution" in run
