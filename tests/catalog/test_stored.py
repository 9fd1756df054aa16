"""Two exports are compared without PyTorch; what is no export is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_torchgraph.catalog.entry import ApiEntry, Catalogue, OperatorEntry, OverloadEntry
from pytest_torchgraph.catalog.stored import CatalogueUnreadable, from_json, load, to_json
from pytest_torchgraph.cli.main import main
from pytest_torchgraph.diff.catalogues import difference


def catalogue(torch: str, schema: str = "aten::f(Tensor x) -> Tensor", **signatures: str) -> Catalogue:
    api = {
        name: ApiEntry(namespace="torch", name=name, kind="function", signatures=(text,))
        for name, text in signatures.items()
    }
    overload = OverloadEntry(name="default", schema=schema, tags=("core",), has_meta=True)
    return Catalogue(
        torch, {"torch": api}, {"aten.f": OperatorEntry(namespace="aten", name="f", overloads=(overload,))}
    )


BEFORE = catalogue("2.1", kept="(x)", gone="(x)", moved="(x)")
AFTER = catalogue("2.2", "aten::f(Tensor y) -> Tensor", kept="(x)", made="(x)", moved="(x, y)")


def test_a_catalogue_comes_back_from_json_as_it_was() -> None:
    assert from_json(json.loads(to_json(BEFORE))) == BEFORE


def test_additions_removals_and_changed_signatures_are_told() -> None:
    found = difference(BEFORE, AFTER)
    assert (found.added, found.removed) == (("torch.made",), ("torch.gone",))
    assert found.changed == {
        "torch.moved": ("(x)", "(x, y)"),
        "aten.f.default": ("aten::f(Tensor x) -> Tensor", "aten::f(Tensor y) -> Tensor"),
    }
    assert difference(BEFORE, BEFORE).is_empty


def test_the_command_returns_1_for_a_difference_and_0_for_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text(to_json(BEFORE), "utf-8")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "operations.json").write_text(to_json(AFTER), "utf-8")
    assert main(["ops", "diff", str(tmp_path / "a.json"), str(tmp_path / "b")]) == 1
    out = capsys.readouterr().out
    assert out.startswith("torch 2.1 -> torch 2.2: 1 added, 1 removed, 2 changed\n+ torch.made\n- torch.gone\n")
    assert "~ torch.moved\n    before (x)\n    after  (x, y)\n" in out
    assert main(["ops", "diff", str(tmp_path / "b"), str(tmp_path / "b"), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == {}


def test_what_else_changed_of_an_operation_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (overload,) = BEFORE.operators["aten.f"].overloads
    other = replace(overload, tags=("pointwise",), has_meta=False)
    operators = {"aten.f": replace(BEFORE.operators["aten.f"], overloads=(other,))}
    after = Catalogue("2.2", BEFORE.api, operators)
    assert difference(BEFORE, after).changed == {}
    assert not difference(BEFORE, after).is_empty
    for name, found in (("a.json", BEFORE), ("b.json", after)):
        (tmp_path / name).write_text(to_json(found), "utf-8")
    assert main(["ops", "diff", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[:2] == ["torch 2.1 -> torch 2.2: 0 added, 0 removed, 1 changed", "~ aten.f.default"]
    assert sorted(told[2:]) == ["    has_meta: True -> False", "    tags: + pointwise", "    tags: - core"]
    assert main(["ops", "diff", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--format", "json"]) == 1
    facts = json.loads(capsys.readouterr().out)["facts"]["aten.f.default"]
    assert {"path": ["has_meta"], "way": "changed", "before": True, "after": False} in facts


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 2}', '{"format": 1, "api": [{"x": 1}]}'])
def test_a_file_that_is_no_export_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, "utf-8")
    with pytest.raises(CatalogueUnreadable, match=r"a\.json: "):
        load(tmp_path / "a.json")


def test_a_missing_export_ends_the_command_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ops", "diff", str(tmp_path / "nowhere"), str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "No such file" in error
    assert error.count("\n") == 1
