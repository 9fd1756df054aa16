"""A checkout with implementation files and code generators, and everything that can be wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_torchgraph.catalog.autograd import place
from pytest_torchgraph.catalog.autograd.scan import NothingToRead, inventory
from pytest_torchgraph.cli.main import main

FILES = {
    "version.txt": "9.9.0a0\n",
    "torch/csrc/autograd/node.h": "namespace torch::autograd {\nstruct Node { int n; };\n}\n",
    "torch/csrc/autograd/mine.h": '#include "torch/csrc/autograd/node.h"\n'
    "namespace torch::autograd {\nstruct MineBackward0 : public Node { SavedVariable self_; };\n}\n",
    "torch/csrc/autograd/engine.cpp": '#include "node.h"\nvoid torch::autograd::run(int depth) {\n}\n',
    "torch/autograd/__init__.py": '"""Users\' side."""\n\ndef backward(): ...\n',
    "tools/autograd/gen.py": "def generate(): ...\n",
    "tools/autograd/derivatives.yaml": "- name: mine(Tensor self) -> Tensor\n  self: grad * 2\n  result: auto_linear\n",
    "c10/core/GradMode.h": "struct GradMode { };\n",
    "aten/src/ATen/readme.txt": "no source\n",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of a very small PyTorch."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No torch is installed beside the checkout."""
    monkeypatch.setattr(place, "installed", lambda: None)


@pytest.mark.usefixtures("alone")
def test_implementation_files_and_generators_are_catalogued(checkout: Path) -> None:
    found = inventory(checkout)
    assert found.origin == "checkout 9.9.0a0"
    assert found.gaps == ()
    by_path = {file.path: file for file in found.files}
    assert by_path["torch/csrc/autograd/engine.cpp"].definitions[0].name == "torch::autograd::run"
    assert by_path["torch/csrc/autograd/engine.cpp"].includes[0].target == "torch/csrc/autograd/node.h"
    assert by_path["tools/autograd/gen.py"].area == "Code generation"
    assert by_path["c10/core/GradMode.h"].area == "Graph execution"
    (node,) = found.nodes
    assert (node.name, node.path, node.line) == ("MineBackward0", "torch/csrc/autograd/mine.h", 3)
    assert [(one.name, one.type) for one in node.saved] == [("self_", "SavedVariable")]
    assert node.formula is not None
    assert node.formula.gradients == (("self", "grad * 2"),)


def test_generated_headers_of_the_installed_torch_complete_a_checkout(checkout: Path) -> None:
    node = "namespace torch::autograd {\nstruct Node { };\nstruct TraceableFunction : public Node { };\n}\n"
    (checkout / "torch/csrc/autograd/node.h").write_text(node, "utf-8")
    found = inventory(checkout)
    assert found.origin.startswith("checkout 9.9.0a0 with the generated headers of torch ")
    assert {"MineBackward0", "ConvolutionBackward0"} <= {node.name for node in found.nodes}


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("torch/autograd/broken.py", b"def (:\n", "no Python that this interpreter reads"),
        ("torch/csrc/autograd/latin.h", b"// caf\xe9\n", "is not UTF-8: byte 6 is 0xe9"),
        ("tools/autograd/derivatives.yaml", b"- {name: [\n", "no YAML"),
        ("tools/autograd/derivatives.yaml", b"just: a mapping\n", "no list of derivatives"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_gap_and_the_rest_is_catalogued(
    checkout: Path, name: str, content: bytes, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / name).write_bytes(content)
    found = inventory(checkout)
    assert [gap.path for gap in found.gaps] == [name]
    assert reason in found.gaps[0].reason
    assert len(found.files) >= len(FILES) - 2
    assert main(["autograd", "inventory", "--source", str(checkout)]) == 0
    assert f"gap: {name}: " in capsys.readouterr().out


@pytest.mark.usefixtures("alone")
def test_a_link_to_nowhere_is_a_gap(checkout: Path) -> None:
    (checkout / "torch/csrc/autograd/lost.h").symlink_to(checkout / "nowhere.h")
    (gap,) = inventory(checkout).gaps
    assert (gap.path, gap.reason) == ("torch/csrc/autograd/lost.h", "No such file or directory")


@pytest.mark.usefixtures("alone")
def test_a_missing_folder_is_a_gap(checkout: Path) -> None:
    (checkout / "c10/core/GradMode.h").unlink()
    (checkout / "c10/core").rmdir()
    (gap,) = inventory(checkout).gaps
    assert (gap.path, gap.reason) == ("c10/core", "the folder is missing")


def test_a_folder_that_is_no_checkout_is_told_and_the_installed_torch_catalogued(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["autograd", "inventory", "--source", str(tmp_path)]) == 2
    out, error = capsys.readouterr()
    assert out.startswith("torch ")
    assert f"{tmp_path} has no torch/csrc/autograd/" in error
    assert error.count("\n") == 1


@pytest.mark.usefixtures("alone")
def test_neither_torch_nor_a_checkout_ends_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NothingToRead):
        inventory(tmp_path / "nowhere")
    assert main(["autograd", "inventory"]) == 2
    assert capsys.readouterr().err == (
        "torchgraph: PyTorch is not installed in this environment, and no checkout is given\n"
    )


def test_an_installed_torch_without_headers_is_a_gap_that_show_tells_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "torch/autograd").mkdir(parents=True)
    (tmp_path / "torch/autograd/function.py").write_text("class Function: ...\n", "utf-8")
    monkeypatch.setattr(place, "installed", lambda: place.Place(tmp_path, place.INSTALLED, "torch 9.9"))
    assert main(["autograd", "inventory"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("torch 9.9: 1 file of autograd, 1 line, ")
    assert "gap: torch/include/torch/csrc/autograd: the folder is missing" in out
    assert main(["autograd", "show", "MulBackward0"]) == 2
    assert "the folder is missing" in capsys.readouterr().err


def test_an_output_folder_that_cannot_be_made_ends_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert main(["autograd", "inventory", "--out", str(tmp_path / "file")]) == 2
    assert "expected a folder that can be written" in capsys.readouterr().err
