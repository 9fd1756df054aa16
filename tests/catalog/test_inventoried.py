"""What the document on the autograd sources shows is what the inventory finds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_torchgraph.catalog.autograd.area import LAYERS
from pytest_torchgraph.catalog.autograd.dependency import Dependencies, dependencies, in_order
from pytest_torchgraph.catalog.autograd.documents import INDEX, MAP, documents
from pytest_torchgraph.catalog.autograd.scan import inventory
from pytest_torchgraph.catalog.autograd.source import Inventory
from pytest_torchgraph.cli.main import main
from tests.catalog import inventoried


@pytest.fixture(scope="module")
def found() -> Inventory:
    return inventory()


@pytest.fixture(scope="module")
def map_of(found: Inventory) -> Dependencies:
    return dependencies(found.files)


@pytest.fixture(scope="module")
def pages(found: Inventory, map_of: Dependencies) -> dict[str, str]:
    return documents(found, map_of)


def test_the_layers_of_the_picture_are_there_in_its_order_with_its_files(found: Inventory) -> None:
    shown = re.findall(r"│ +([A-Z ]+?) LAYER +│\n│ +(.+?)(?: - .*)? +│", inventoried.LAYERS.text)
    titles = {"supporting infrastructure": "Supporting infrastructure", "python api": "Python API"}
    assert [titles.get(title.lower(), title.capitalize()) for title, _ in shown] == list(LAYERS)
    for (_, names), layer in zip(shown, LAYERS, strict=True):
        files = [file.name for file in found.files if file.layer == layer]
        for name in re.findall(r"[\w/*]+(?=\.\w)", names):
            pattern = re.compile(rf"(.*/)?{name.replace('*', '.*')}\.\w+")
            assert any(map(pattern.fullmatch, files)), (layer, name)


def test_the_map_has_an_order_of_compilation_in_which_everything_comes_after_what_it_needs(
    map_of: Dependencies, pages: dict[str, str]
) -> None:
    steps = list(in_order(map_of))
    step_of = {path: number for number, step in enumerate(steps) for whole in step for path in whole}
    circle_of = {path: whole for step in steps for whole in step for path in whole}
    assert step_of.keys() == map_of.at_once.keys()
    for path, used in map_of.at_once.items():
        assert all(step_of[one] < step_of[path] or circle_of[one] == circle_of[path] for one in used), path
    order = pages[MAP].partition("## Compilation order")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\d+\. ", order, re.MULTILINE)) == len(steps)
    assert "The dependencies are not acyclic" in pages[MAP]


def test_the_index_has_a_quick_start_three_learning_paths_and_common_tasks(
    found: Inventory, pages: dict[str, str]
) -> None:
    index = pages[INDEX]
    headings = re.findall(r"^##+ (.*)$", index, re.MULTILINE)
    paths = ["Learning paths", "Beginner", "Intermediate", "Advanced", "Common tasks"]
    assert headings[:7] == ["Quick start", "Quick reference", *paths]
    sizes = {file.path: file.lines for file in found.files}
    told = re.findall(r"^### .*\n\n(\d+) files, (\d+) lines: .*\n\n((?:\d+\. .*\n)+)", index, re.MULTILINE)
    assert len(told) == 3
    for count, lines, listed in told:
        files = re.findall(r"^\d+\. `([^`]+)`", listed, re.MULTILINE)
        assert (len(files), sum(map(sizes.__getitem__, files))) == (int(count), int(lines))
    assert "node.h" in told[0][2]
    assert "engine.h" in told[1][2]
    where = index.partition("## Common tasks")[2].partition("\n## ")[0]
    places = re.findall(r"`([\w:]+)` \(`([^`]+)` (\d+)\)", where)
    defined = {(one.name, file.path, str(one.line)) for file in found.files for one in file.definitions}
    assert len(places) > 25
    assert set(places) <= defined


@pytest.mark.parametrize(
    ("name", "title", "place"),
    [
        ("Node", "torch::autograd::Node (C++ header struct, Graph structure)", r"autograd/node\.h:\d+ to \d+"),
        ("Engine", "torch::autograd::Engine (C++ header struct, Graph execution)", r"autograd/engine\.h:\d+ to \d+"),
        ("GraphTask", "torch::autograd::GraphTask (C++ header struct, Graph structure)", r"graph_task\.h:\d+ to \d+"),
        ("Edge", "torch::autograd::Edge (C++ header struct, Graph structure)", r"edge\.h:\d+ to \d+"),
        ("InputBuffer", "torch::autograd::InputBuffer (C++ header struct, Graph structure)", r"input_buffer\.h:\d+"),
        (
            "set_history",
            "torch::autograd::set_history (C++ header function, Graph building)",
            r"functions/utils\.h:\d+",
        ),
        ("Node::next_edges", "torch::autograd::Node::next_edges (C++ header function", r"autograd/node\.h:\d+"),
    ],
)
def test_the_key_components_are_shown_with_their_lines(
    name: str, title: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["autograd", "show", name]) == 0
    out = capsys.readouterr().out
    assert title in out
    (path, line), *_ = re.findall(rf"defined  (\S*{place.partition(':')[0]}):(\d+)", out)
    assert re.search(place, out)
    assert name.rpartition("::")[2] in Path(path).read_text("utf-8").splitlines()[int(line) - 1]


@pytest.mark.parametrize("name", ["engine.h", "function.py", "functions/utils.h"])
def test_a_file_is_shown_with_what_it_defines_and_who_uses_it(
    name: str, map_of: Dependencies, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["autograd", "show", name]) == 0
    out = capsys.readouterr().out
    (path,) = re.findall(r"lies     (\S+)", out)
    assert path.endswith(f"/{name}")
    assert Path(path).is_file()
    key = next(key for key in map_of.users if path.endswith(key))
    used_by = re.findall(
        r"^(?:  used by  | {11})(\S+)$", out.partition("  used by")[1] + out.partition("  used by")[2], re.MULTILINE
    )
    assert used_by == list(map_of.users[key])


def test_what_nothing_is_called_gets_one_line_with_the_nearest_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["autograd", "show", "Enginee"]) == 2
    assert "no node, class, function or file is called 'Enginee'" in (error := capsys.readouterr().err)
    assert "did you mean Engine" in error
    assert error.count("\n") == 1
