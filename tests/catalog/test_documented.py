"""Every code block of the document on collecting operations runs as it is written, and does what the document says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.catalog import documented

FOLDER = Path("pytorch_ops")
FILES = {
    "torch_operations.txt": "torch",
    "F_operations.txt": "torch.nn.functional",
    "tensor_operations.txt": "torch.Tensor",
}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_operations_are_collected_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    names = documented.COLLECT.run()
    operations, counts = names["all_ops"], names["counts"]
    assert capsys.readouterr().out == f"Found {counts['torch']} operations in torch namespace\n"
    assert counts == {namespace: len(entries) for namespace, entries in operations.items()}
    assert set(FILES.values()) < operations.keys()
    matmul = operations["torch"]["matmul"]
    assert matmul.callable is torch.matmul
    assert (matmul.is_builtin, matmul.is_in_place, matmul.is_dunder) == (True, False, False)
    assert matmul.signature is not None
    assert operations["torch.Tensor"]["add_"].is_in_place
    assert operations["torch.Tensor"]["__add__"].is_dunder


def test_a_summary_is_printed_and_exported(capsys: pytest.CaptureFixture[str]) -> None:
    names = documented.SUMMARIZE.run()
    printed = capsys.readouterr().out
    counts = names["collector"].get_operation_count_by_namespace()
    assert printed == (FOLDER / "summary.txt").read_text("utf-8")
    assert all(f"{counts[namespace]}" in printed for namespace in FILES.values())
    for file, namespace in FILES.items():
        text = (FOLDER / file).read_text("utf-8")
        listed = [line for line in text.splitlines()[1:] if line and not line[0].isspace()]
        assert {line.partition("(")[0].split(" ")[0] for line in listed} >= set(
            names["collector"].all_operations[namespace]
        )
