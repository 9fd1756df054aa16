"""Variants: what another PyTorch, device or architecture does otherwise, beside the snapshot that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_torchgraph.plugin.location import without_labels
from tests.plugin.test_storage import CHAIN, FILE

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

VARY = "--torchgraph-update=variant"
OTHER = FILE.replace(".torchgraph", ".torch-2.15.torchgraph")
HERE, THERE = "ADD, MUL", "ADD, CLONE, MUL, torch='2.15.1+cu130'"


def with_graph(text: str) -> dict[str, str]:
    """The test module, its model making the graph *text*."""
    return {"test_m.py": CHAIN.replace("ADD, MUL", text)}


@pytest.fixture
def base(project: Project) -> Project:
    """A project recorded with PyTorch 2.13, whose model does other work with PyTorch 2.15."""
    project.write(with_graph(HERE))
    assert project.run("--torchgraph-update").code == 0
    project.write(with_graph(THERE))
    return project


@pytest.fixture
def varied(base: Project) -> Project:
    """The same with the variant recorded."""
    result = base.run(VARY)
    assert result.code == 0, result.text
    return base


def test_a_drift_in_another_environment_names_the_command(base: Project) -> None:
    text = base.run(CI="true").text
    assert "  accept: pytest test_m.py::test_chain --torchgraph-update\n" in text
    assert f"  for this environment alone: pytest test_m.py::test_chain {VARY}\n" in text
    base.write(with_graph("ADD, CLONE, MUL"))
    assert "for this environment alone" not in base.run(CI="true").text


def test_environments_come_before_what_changed(base: Project) -> None:
    lines = base.run(CI="true").text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("test_m.py::test_chain: "))
    assert lines[first + 1] == "  recorded with torch 2.13.0, running 2.15.1+cu130"


def test_another_processor_is_told_and_may_have_a_variant(project: Project) -> None:
    project.write(with_graph(HERE))
    assert project.run("--torchgraph-update").code == 0
    project.write(with_graph("ADD, CLONE, MUL, processor='avx512_amx'"))
    text = project.run(CI="true").text
    assert "  recorded on a processor with avx2, running on one with avx512_amx: kernels are chosen by it\n" in text
    assert f"  for this environment alone: pytest test_m.py::test_chain {VARY}\n" in text
    assert project.run(VARY).code == 0
    assert list(project.snapshots()) == [FILE.replace(".torchgraph", ".cpu-avx512_amx.torchgraph"), FILE]
    assert project.run().code == 0
    project.write(with_graph(HERE))
    assert project.run().code == 0


def test_a_variant_lies_beside_the_base_which_stays(base: Project) -> None:
    before = base.snapshots()[FILE]
    result = base.run(VARY)
    assert result.code == 0, result.text
    assert list(base.snapshots()) == [OTHER, FILE]
    assert base.snapshots()[FILE] == before
    (line,) = result.section()
    assert line.startswith(f"recorded snapshots/{OTHER}: ")
    assert "+1 aten.clone" in line


def test_each_environment_is_compared_with_its_own(varied: Project) -> None:
    files = varied.snapshots()
    assert varied.run().code == 0
    varied.write(with_graph(HERE))
    result = varied.run()
    assert result.code == 0
    assert "unused" not in str(result.section())
    varied.write(with_graph("ADD, torch='2.15.0'"))
    result = varied.run(CI="true")
    assert result.section()[1].startswith(f"drifted snapshots/{OTHER}")
    assert "for this environment alone" not in result.text
    assert varied.run("--torchgraph-update", CI="true").section()[0].startswith(f"updated snapshots/{OTHER}")
    assert varied.snapshots()[FILE] == files[FILE]
    assert "clone" not in varied.snapshots()[OTHER]


def test_a_variant_again_is_unchanged_to_the_byte(varied: Project) -> None:
    files = varied.snapshots()
    assert varied.run(VARY).section() == ["unchanged 1, nothing to update"]
    assert varied.snapshots() == files


def test_one_that_moved_is_updated(varied: Project) -> None:
    varied.write(with_graph(THERE.replace("CLONE", "CLONE, CLONE")))
    assert varied.run(VARY).section()[0].startswith(f"updated snapshots/{OTHER}")
    assert varied.run().code == 0


@pytest.mark.parametrize("flag", [VARY, "--torchgraph-update"])
def test_a_variant_that_says_what_the_base_says_is_removed(varied: Project, flag: str) -> None:
    files = varied.snapshots()
    varied.write(with_graph(f"{HERE}, torch='2.15.0'"))
    result = varied.run(flag)
    assert result.code == 0
    assert result.section() == [f"updated snapshots/{OTHER}: removed, the base says the same"]
    assert varied.snapshots() == {FILE: files[FILE]}
    assert varied.run().code == 0


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (f"{HERE}, torch='2.15.0'", ""),
        (f"{HERE}, torch='2.13.9'", ""),
        ("ADD, CLONE, MUL", "no variant: the base was recorded with this minor version of PyTorch"),
        ("ADD, CLONE, MUL, torch='2.13.9'", "no variant: the base was recorded with this minor version of PyTorch"),
        (f"{HERE}, torch='2.15.0', peak=9999", "no variant: the work lines are those of the base"),
    ],
)
def test_no_variant_is_written_where(base: Project, made: str, words: str) -> None:
    files = base.snapshots()
    base.write(with_graph(made))
    result = base.run(VARY, CI="true")
    assert result.code == bool(words)
    assert words in result.text
    assert base.snapshots() == files


def test_nothing_but_variants_is_written(project: Project) -> None:
    project.write(with_graph(HERE))
    result = project.run(VARY)
    assert result.outcomes() == {"failed": 1}
    assert "has no snapshot" in result.text
    assert project.snapshots() == {}


def test_what_does_not_repeat_is_refused(base: Project) -> None:
    files = base.snapshots()
    made = [f"graph({'CLONE, ' * count}torch='2.15.0')" for count in range(1, 9)]
    base.write({"test_m.py": CHAIN.replace("lambda: graph(ADD, MUL)", f"calls({', '.join(made)})")})
    result = base.run(VARY)
    assert "does other work on each call" in result.text
    assert base.snapshots() == files


def test_the_variant_with_most_labels_fits_best(base: Project) -> None:
    stem = FILE.removesuffix(".torchgraph")
    environments = {
        "torch-2.15": "ADD, torch='2.15.0'",
        "device-cuda": "MUL, device='cuda'",
        "arch-arm64": "RELU, architecture='arm64'",
        "torch-2.15.device-cuda": "CLONE, torch='2.15.0', device='cuda'",
    }
    for label, made in environments.items():
        base.write(with_graph(made))
        assert base.run(VARY).code == 0
        assert f"{stem}.{label}.torchgraph" in base.snapshots()
    for made in environments.values():
        base.write(with_graph(made))
        assert base.run().code == 0
    base.write(with_graph("MUL, device='cuda', architecture='arm64', torch='2.13.0'"))
    assert base.run().code == 0
    base.write(with_graph(HERE))
    assert base.run().code == 0


def test_variants_go_with_their_test(varied: Project) -> None:
    varied.write({"test_m.py": "def test_other():\n    pass\n"})
    assert varied.run("--torchgraph-update").code == 0
    assert varied.snapshots() == {}


def test_what_waits_for_a_variant_lies_beside_it(varied: Project) -> None:
    varied.write(with_graph(THERE.replace("CLONE", "CLONE, CLONE")))
    varied.run()
    assert f"{OTHER}.new" in varied.snapshots()


@pytest.mark.parametrize("arguments", [(VARY,), ()])
def test_what_waits_for_the_base_goes_with_a_variant_that_matches(base: Project, arguments: tuple[str, ...]) -> None:
    base.run()
    waiting = base.path / "snapshots" / f"{FILE}.new"
    text = waiting.read_text("utf-8")
    assert base.run(VARY).code == 0
    assert not waiting.exists()
    waiting.write_text(text, encoding="utf-8")
    assert base.run(*arguments).code == 0
    assert not waiting.exists()


def test_workers_record_variants(base: Project) -> None:
    result = base.run("-p", "xdist.plugin", "-n", "2", VARY)
    assert result.code == 0
    assert list(base.snapshots()) == [OTHER, FILE]
    assert base.run("-p", "xdist.plugin", "-n", "2").code == 0


def test_a_path_after_the_option_without_value_is_still_a_path(project: Project) -> None:
    project.write(with_graph(HERE))
    assert project.run("--torchgraph-update", "test_m.py").code == 0
    assert list(project.snapshots()) == [FILE]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--torchgraph-update=else",), "--torchgraph-update"),
        (("--torchgraph-update", VARY), "leaves snapshots alone, another option updates them"),
        (("--snapshot-update", VARY), "leaves snapshots alone, another option updates them"),
    ],
)
def test_mistaken_options_are_refused(base: Project, arguments: tuple[str, ...], words: str) -> None:
    result = base.run(*arguments)
    assert result.code == 4
    assert words in result.text


def test_a_folder_that_cannot_be_written_is_one_message(base: Project) -> None:
    (base.path / "snapshots" / OTHER / "occupied").mkdir(parents=True)
    result = base.run(VARY)
    assert f"snapshots/{OTHER} cannot be written: Is a directory" in result.text
    assert "Traceback" not in result.text


@pytest.mark.parametrize("name", ["torch-2.15", "device-cuda", "a.arch-x86_64", "cpu-avx512_vnni"])
def test_a_snapshot_that_is_called_like_a_variant_is_none(project: Project, name: str) -> None:
    project.write({"test_m.py": CHAIN.replace("(), ", "").replace(", ())", f", (), name={name!r})")})
    assert project.run("--torchgraph-update").code == 0
    (path,) = project.snapshots()
    assert without_labels(path) == path


@pytest.mark.parametrize(
    "label",
    [
        "s/t.torch-2.15.torchgraph",
        "s/t.device-cuda.torchgraph",
        "s/t.torch-2.15.device-cuda.arch-arm64.torchgraph",
        "s/t.cpu-avx512_vnni_bf16.torchgraph",
    ],
)
def test_the_base_of_a_variant_is_known_by_its_name(label: str) -> None:
    assert without_labels(label) == "s/t.torchgraph"
    assert without_labels("s/t.torch-2.15x.torchgraph") == "s/t.torch-2.15x.torchgraph"
