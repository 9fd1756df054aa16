"""The autograd sources of the installed torch: files, nodes, documents."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
import torch

from pytest_torchgraph.capture.binding import as_call, tensors_in
from pytest_torchgraph.catalog.autograd.area import AREAS, LAYERS, area_of, layer_of
from pytest_torchgraph.catalog.autograd.documents import DETAILS, INDEX, INVENTORY, MAP
from pytest_torchgraph.catalog.autograd.live import autograd_graph
from pytest_torchgraph.catalog.autograd.markdown import anchor, code, plain
from pytest_torchgraph.catalog.autograd.node import find
from pytest_torchgraph.catalog.autograd.scan import inventory
from pytest_torchgraph.catalog.autograd.source import Inventory
from pytest_torchgraph.cli.main import main
from tests.models import MODELS
from tests.real.factories import FACTORIES

GENERATED = "torch/include/torch/csrc/autograd/generated/Functions.h"
SITE = Path(torch.__file__).parents[1]


@pytest.fixture(scope="module")
def found() -> Inventory:
    return inventory()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inventory")
    assert main(["autograd", "inventory", "--out", str(folder)]) == 0
    return folder


def test_every_area_and_layer_has_files_and_nothing_is_missing(found: Inventory) -> None:
    assert {file.area for file in found.files} == set(AREAS)
    assert {file.layer for file in found.files} - {None} == set(LAYERS)
    assert found.gaps == ()


def test_every_header_and_python_file_of_autograd_is_catalogued(found: Inventory) -> None:
    paths = {file.path for file in found.files}
    headers = (SITE / "torch/include/torch/csrc/autograd").rglob("*.h")
    python = (SITE / "torch/autograd").rglob("*.py")
    assert {path.relative_to(SITE).as_posix() for path in (*headers, *python)} <= paths


def test_the_classes_of_the_core_stand_where_the_file_says(found: Inventory) -> None:
    by_name = {one.name: (file, one) for file in found.files for one in file.definitions if one.is_class}
    for name in (
        "Node",
        "Edge",
        "GraphTask",
        "InputBuffer",
        "SavedVariable",
        "Engine",
        "AccumulateGrad",
        "AutogradMeta",
    ):
        file, definition = by_name[f"torch::autograd::{name}"]
        line = (SITE / file.path).read_text("utf-8").splitlines()[definition.line - 1]
        assert re.search(rf"\b(class|struct)\b.*\b{name}\b", line), (file.path, line)


def test_every_node_class_that_torch_registers_is_found(found: Inventory) -> None:
    registered = [name for name in dir(torch._C._functions) if not name.startswith("_")]
    assert len(registered) > 100
    assert [name for name in registered if find(found.nodes, name) is None] == []


@pytest.mark.parametrize("name", sorted(FACTORIES))
def test_backward_nodes_of_real_models_are_found_with_their_source(name: str, found: Inventory) -> None:
    example = FACTORIES[name]()
    args, kwargs = as_call(example.args, example.kwargs)
    graph = autograd_graph(list(tensors_in(example.model(*args, **kwargs))), {})
    for node in {node.name for node in graph.nodes}:
        source = find(found.nodes, node)
        assert source is not None, node
        assert node == "AccumulateGrad" or source.path == GENERATED
        assert f"{node} " in (SITE / source.path).read_text("utf-8").splitlines()[source.line - 1]


def test_backward_nodes_of_a_convolution_net_lead_to_formula_and_saved_variables(found: Inventory) -> None:
    example = MODELS["resnet"]()
    args, kwargs = as_call(example.args, example.kwargs)
    graph = autograd_graph(list(tensors_in(example.model(*args, **kwargs))), {})
    assert {node.name for node in graph.nodes if find(found.nodes, node.name) is None} == set()
    convolution = find(found.nodes, "ConvolutionBackward0")
    assert convolution is not None
    assert convolution.formula is not None
    assert convolution.formula.schema.startswith("convolution(Tensor input")
    live = next(node for node in graph.nodes if node.name == "ConvolutionBackward0")
    declared = {one.name.removesuffix("_") for one in convolution.saved if one.type == "SavedVariable"}
    assert {one.name for one in live.saved} == declared


def test_the_documents_tell_of_every_file(exported: Path, found: Inventory) -> None:
    for name in (INVENTORY, DETAILS, INDEX):
        text = (exported / name).read_text("utf-8")
        assert [file.path for file in found.files if f"`{file.path}`" not in text] == []
    layers = (exported / MAP).read_text("utf-8")
    assert all(f"**{layer}**" in layers for layer in LAYERS)
    assert "→" in layers.partition("## Cycles")[2]


def test_links_in_the_documents_lead_somewhere_and_tables_are_even(exported: Path) -> None:
    texts = {name: (exported / name).read_text("utf-8") for name in (INVENTORY, DETAILS, MAP, INDEX)}
    headings = {
        name: {anchor(line.lstrip("# ")) for line in text.splitlines() if line.startswith("#")}
        for name, text in texts.items()
    }
    for name, text in texts.items():
        for target in re.findall(r"(?<!\\)\]\(([^)]+)\)", text):
            file, _, place = target.partition("#")
            assert not place or f"#{place}" in headings[file or name], target
            assert (exported / (file or name)).is_file(), target
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table[:200]


def test_the_json_has_everything_and_the_dot_is_balanced(exported: Path, found: Inventory) -> None:
    record = json.loads((exported / "autograd_inventory.json").read_text("utf-8"))
    assert len(record["files"]) == len(found.files)
    assert len(record["nodes"]) == len(found.nodes)
    dot = (exported / "autograd_dependencies.dot").read_text("utf-8")
    assert dot.count("{") == dot.count("}")
    assert "color=red" in dot


def test_a_picture_is_drawn_where_plotly_is_installed(
    tmp_path: Path, found: Inventory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pytest_torchgraph.cli.verbs.pytorch import autograd

    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert list(autograd.drawn(found, tmp_path)) == []
    assert "pytest-torchgraph[drawing]" in capsys.readouterr().out


def test_the_picture_refers_to_nothing_outside(found: Inventory) -> None:
    pytest.importorskip("plotly")
    from pytest_torchgraph.drawing.dependency import html

    page = html(found)
    assert "engine.h" in page
    assert 'src="http' not in page


def test_reading_the_sources_imports_no_torch() -> None:
    import subprocess

    code = "import sys; from pytest_torchgraph.catalog.autograd.scan import inventory; inventory(only_core=True); "
    assert (
        subprocess.run([sys.executable, "-c", f"{code}sys.exit('torch' in sys.modules)"], check=False).returncode == 0
    )


def test_a_node_is_shown_with_file_line_saved_variables_and_formula(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["autograd", "show", "ConvolutionBackward0"]) == 0
    out = capsys.readouterr().out
    assert re.search(rf"defined  {re.escape(str(SITE))}/{GENERATED}:\d+\n", out)
    assert re.search(r"weight_: SavedVariable \(line \d+\)", out)
    assert "gradient input, weight, bias = " in out


def test_a_wrong_node_name_gets_one_line_with_suggestions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["autograd", "show", "ConvolutionBackward"]) == 2
    error = capsys.readouterr().err
    assert "did you mean ConvolutionBackward0" in error
    assert error.count("\n") == 1


def test_a_file_is_placed_by_its_name_in_wheel_and_checkout() -> None:
    assert area_of("torch/csrc/autograd/engine.cpp", ()) == "Graph execution"
    assert area_of("torch/csrc/autograd/functions/comm.cpp", ()) == "Graph building"
    assert area_of("tools/autograd/gen_autograd.py", ()) == "Code generation"
    assert layer_of("torch/csrc/autograd/python_engine.cpp", "Graph execution") == "Python binding"


def test_text_of_sources_is_no_markup() -> None:
    assert code("a|b") == "`a\\|b`"
    assert code("a`b") == "`` a`b ``"
    assert plain("*x* <y> [z] a_b") == "\\*x\\* \\<y\\> \\[z\\] a\\_b"
