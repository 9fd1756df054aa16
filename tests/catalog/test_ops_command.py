"""``torchgraph ops``: what it prints, and what it says to a wrong name."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_torchgraph.catalog.reach import Reached, Table, described, from_json, learn, stored_table, to_json
from pytest_torchgraph.cli.main import main
from pytest_torchgraph.cli.verbs.pytorch.ops import Far, learnt

FRESH = (
    "torch.add",
    "torch.addmm",
    "torch.nn.functional.linear",
    "torch.nn.functional.layer_norm",
    "torch.Tensor.bool",
)


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["ops", *arguments]) == 0
    return capsys.readouterr().out


def test_a_name_is_shown_under_all_its_spellings(capsys: pytest.CaptureFixture[str]) -> None:
    shown = output(capsys, "show", "F.softmax")
    assert shown.startswith("torch.nn.functional.softmax\n  softmax(input")
    assert "same function: torch.softmax, torch.Tensor.softmax" in shown
    assert "reaches aten._softmax" in shown
    by_overload = output(capsys, "show", "aten::add.Tensor")
    assert by_overload == output(capsys, "show", "torch.ops.aten.add") == output(capsys, "show", "aten.add")
    assert "aten::add.Tensor(Tensor self, Tensor other" in by_overload
    assert "reached by torch.Tensor.__rmatmul__, torch.matmul, torch.mv" in output(capsys, "show", "aten.mv")


def test_a_bare_name_is_shown_wherever_it_exists(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = output(capsys, "show", "relu").split("\n\n")
    first = [block.splitlines()[0] for block in blocks]
    assert first == ["torch.relu", "torch.nn.functional.relu", "torch.Tensor.relu", "aten.relu"]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["show", "F.rellu"], "torch.nn.functional.relu"),
        (["show", "aten.contigous"], "aten.contiguous"),
        (["show", "sofmax"], "softmax"),
        (["list", "--namespace", "torch.Tensr"], "torch.Tensor"),
        (["reach", "F.lineer"], "torch.nn.functional.linear"),
    ],
)
def test_a_wrong_name_gets_one_line_with_suggestions(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ops", *arguments]) == 2
    error = capsys.readouterr().err
    assert "did you mean" in error
    assert hint in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("verb", [["list"], ["show", "torch.add"], ["summary"], ["reach", "torch.add"]])
def test_without_torch_a_verb_says_what_is_missing(verb: list[str]) -> None:
    code = "import sys; sys.modules['torch'] = None; from pytest_torchgraph.cli.main import main; sys.exit(main({}))"
    done = subprocess.run(
        [sys.executable, "-c", code.format(["ops", *verb])], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("torchgraph: PyTorch is not installed")
    assert done.stderr.count("\n") == 1


def test_a_list_has_public_functions_and_with_all_everything(capsys: pytest.CaptureFixture[str]) -> None:
    public = output(capsys, "list", "--namespace", "F").splitlines()
    everything = output(capsys, "list", "--namespace", "F", "--all").splitlines()
    assert "torch.nn.functional.relu" in public
    assert "torch.nn.functional.Optional" in set(everything) - set(public)
    assert "aten.add" in output(capsys, "list").splitlines()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert main(["ops", "export", str(tmp_path / "file")]) == 2
    assert "expected a folder that can be written" in capsys.readouterr().err


def test_the_stored_table_is_what_this_torch_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output(capsys, "reach", *FRESH, "-o", str(tmp_path / "reach.json"))
    learnt = from_json((tmp_path / "reach.json").read_text("utf-8"))
    assert {call.name for call in learnt.calls} == set(FRESH)
    assert [stored_table().of(call.name) for call in learnt.calls] == list(learnt.calls)


def test_the_stored_table_says_which_calls_lead_to_an_operation() -> None:
    table = stored_table()
    attention = table.of("torch.nn.functional.scaled_dot_product_attention")
    assert attention is not None
    assert "aten._scaled_dot_product_flash_attention_for_cpu" in attention.sometimes
    assert "torch.nn.functional.linear" in table.calls_that_reach("aten.addmm")


def test_a_sample_that_raises_is_left_out_and_paths_are_told_apart() -> None:
    def raises() -> list[str]:
        raise RuntimeError

    samples = [("f", lambda: ["aten.a"]), ("f", lambda: ["aten.a", "aten.b"]), ("f", raises), ("g", list)]
    table = learn("2.1", samples, lambda run: run())
    assert table == Table("2.1", (Reached("f", 2, {"aten.a": 2, "aten.b": 1}), Reached("g", 1, {})))
    assert list(described(table.calls[0])) == ["f reaches aten.a (2 samples)", "    by its arguments: aten.b (1 of 2)"]
    assert list(described(table.calls[1])) == ["g reaches no operation (1 sample)"]
    assert from_json(to_json(table)) == table
    assert json.loads(to_json(table))["calls"]["f"]["samples"] == 2


def test_a_terminal_can_be_told_how_far_the_samples_are() -> None:
    far = Far()
    assert [far.seen() for _ in far.following([("torch.add", 1), ("torch.mul", 2)])] == [
        (0, "torch.add"),
        (0, "torch.mul"),
    ]


def test_running_samples_counts_what_they_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, str]] = []

    @contextmanager
    def progress(so_far: Callable[[], tuple[int, str]], doing: str) -> Iterator[None]:
        assert doing == "running samples"
        yield
        seen.append(so_far())

    monkeypatch.setattr("pytest_torchgraph.capture.progress.progress", progress)
    learnt(["torch.mv"])
    assert seen[0][0] > 0
    assert seen[0][1] == "torch.mv"
