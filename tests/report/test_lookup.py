"""What is known of an operation or a node by its name."""

from __future__ import annotations

import subprocess
import sys
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_torchgraph.catalog.autograd import headers
from pytest_torchgraph.report.lookup import MOST_CALLS, declared_at, reached_from

if TYPE_CHECKING:
    import pytest


def test_an_operation_tells_which_calls_reach_it() -> None:
    found = reached_from({"aten.clone", "aten.native_layer_norm", "aten.no_such"})
    assert list(found) == ["aten.clone", "aten.native_layer_norm"]
    assert found["aten.clone"].startswith("torch.Tensor.contiguous, torch.reshape, torch.clone, ")
    assert found["aten.native_layer_norm"] == "torch.native_layer_norm, torch.nn.functional.layer_norm"


def test_what_many_calls_reach_is_cut_and_counted() -> None:
    told = reached_from({"aten.mul"})["aten.mul"]
    names, _, more = told.partition(" and ")
    assert len(names.split(", ")) == MOST_CALLS
    assert more.endswith(" more")


def test_a_node_is_declared_at_its_line_of_the_installed_headers() -> None:
    found = declared_at(["AddmmBackward0", "GeluBackward0", "NoSuchBackward7"])
    assert list(found) == ["AddmmBackward0", "GeluBackward0"]
    spec = util.find_spec("torch")
    assert spec is not None
    assert spec.origin is not None
    for node, place in found.items():
        path, _, line = place.rpartition(":")
        text = (Path(spec.origin).parents[1] / path).read_text(encoding="utf-8").splitlines()[int(line) - 1]
        assert text.startswith("struct")
        assert f" {node} " in text


def test_without_pytorch_nothing_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    headers.declared.cache_clear()
    monkeypatch.setattr(headers, "installed", lambda: None)
    assert declared_at(["AddmmBackward0"]) == {}
    headers.declared.cache_clear()


def test_looking_up_does_not_import_pytorch() -> None:
    code = (
        "import sys; from pytest_torchgraph.report.lookup import declared_at, reached_from;"
        "declared_at(['AddmmBackward0']); reached_from({'aten.clone'}); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
