"""The collector finds what the installed PyTorch offers, and tells what each callable is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from pytest_torchgraph.catalog.aliases import one_function
from pytest_torchgraph.catalog.dispatcher import formula_names
from pytest_torchgraph.catalog.entry import ApiEntry
from pytest_torchgraph.catalog.operations import PyTorchOperationCollector, PyTorchOperationSummarizer, is_in_place
from pytest_torchgraph.catalog.signatures import signatures_of

API = ("torch", "torch.nn.functional", "torch.Tensor", "torch.linalg", "torch.fft", "torch.special", "torch.sparse")


@pytest.fixture(scope="module")
def collector() -> PyTorchOperationCollector:
    return PyTorchOperationCollector()


def test_every_operation_of_a_namespace_is_collected_with_its_object(collector: PyTorchOperationCollector) -> None:
    assert tuple(collector.all_operations) == API
    everything = PyTorchOperationCollector(everything=True).all_operations
    for namespace, owner in (("torch.fft", torch.fft), ("torch.linalg", torch.linalg)):
        callables = {name for name in dir(owner) if callable(getattr(owner, name))}
        assert set(everything[namespace]) == callables
        assert set(collector.all_operations[namespace]) == callables - {"Tensor", "LinAlgError"}
    assert collector.all_operations["torch"]["add"].callable is torch.add
    assert collector.get_operation_count_by_namespace()["torch"] == len(collector.all_operations["torch"])


@pytest.mark.parametrize(
    ("namespace", "name"),
    [("torch.nn.functional", "Callable"), ("torch.nn.functional", "Optional"), ("torch", "AcceleratorError")],
)
def test_what_is_no_operation_is_there_on_request(
    namespace: str, name: str, collector: PyTorchOperationCollector
) -> None:
    assert name not in collector.all_operations[namespace]
    assert name in PyTorchOperationCollector(everything=True).all_operations[namespace]


def test_a_signature_comes_from_inspect_else_from_the_docstring_else_it_is_unknown(
    collector: PyTorchOperationCollector,
) -> None:
    functional, tensor = collector.all_operations["torch.nn.functional"], collector.all_operations["torch.Tensor"]
    assert functional["relu"].signature_source == "inspect"
    assert functional["relu"].signature == "(input: torch.Tensor, inplace: bool = False) -> torch.Tensor"
    assert tensor["add_"].signature_source == "docstring"
    assert tensor["view"].signatures == ("(*shape) -> Tensor", "(dtype) -> Tensor")
    assert (tensor["__iadd__"].signature, tensor["__iadd__"].signature_source) == (None, "unknown")


def test_a_signature_over_two_lines_ends_where_its_parenthesis_closes() -> None:
    def attention(*args: object, **kwargs: object) -> None: ...

    attention.__doc__ = "attention(query, key,\n    scale=None) -> Tensor:\n\nattention(in the text) is none.\n"
    assert signatures_of(attention, "attention") == (("(query, key, scale=None) -> Tensor",), "docstring")


def test_flags_tell_in_place_dunder_built_in_and_private(collector: PyTorchOperationCollector) -> None:
    tensor = collector.all_operations["torch.Tensor"]
    assert tensor["add_"].flags == ("in-place", "built-in")
    assert tensor["__iadd__"].flags == ("in-place", "dunder", "built-in")
    assert tensor["_values"].is_private
    assert not collector.all_operations["torch.nn.functional"]["relu"].is_builtin


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("add_", True),
        ("__iadd__", True),
        ("__setitem__", True),
        ("__init__", False),
        ("__index__", False),
        ("__iand__", True),
        ("add", False),
    ],
)
def test_in_place_is_told_by_the_name(name: str, holds: bool) -> None:
    assert is_in_place(name) is holds


def test_aliases_and_methods_of_one_function_count_as_one(collector: PyTorchOperationCollector) -> None:
    entries = [entry for entries in collector.all_operations.values() for entry in entries.values()]
    ends = one_function(entries)
    clamps = {"torch.clamp", "torch.clip", "torch.Tensor.clamp", "torch.Tensor.clip"}
    assert {ends[name] for name in clamps} == {"torch.clamp"}
    assert ends["torch.clamp_"] != "torch.clamp"
    assert collector.get_function_count() == len(set(ends.values())) < len(entries)


def test_names_that_call_each_other_the_alias_have_one_end() -> None:
    pair = [
        ApiEntry(namespace="torch", name="a", kind="function", alias_of="torch.b"),
        ApiEntry(namespace="torch", name="b", kind="function", alias_of="torch.a"),
    ]
    assert set(one_function(pair).values()) == {"torch.a"}


def test_operators_carry_schema_writes_and_what_is_registered(collector: PyTorchOperationCollector) -> None:
    overloads = {one.name: one for one in collector.operators["aten.add_"].overloads}
    assert overloads["Tensor"].writes == overloads["Tensor"].aliases == ("self",)
    assert overloads["Tensor"].schema.startswith("aten::add_.Tensor(Tensor(a!) self")
    assert overloads["Tensor"].autograd == "formula"
    (transpose,) = (one for one in collector.operators["aten.transpose"].overloads if one.name == "int")
    assert (transpose.aliases, transpose.writes) == (("self",), ())
    (mm,) = (one for one in collector.operators["aten.mm"].overloads if one.name == "default")
    assert mm.has_flop_formula
    assert mm.has_meta
    assert "core" in mm.tags
    (eq,) = (one for one in collector.operators["aten.eq"].overloads if one.name == "Tensor")
    assert eq.autograd == "none"
    assert eq.has_decomposition
    (conv,) = (one for one in collector.operators["aten.conv2d"].overloads if one.name == "default")
    assert (conv.is_composite, conv.autograd) == (True, "by parts")
    assert not collector.operators["aten.conv2d"].reaches_dispatcher


def test_formulas_that_cannot_be_read_leave_the_autograd_flag_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    formula_names.cache_clear()
    try:
        operators = PyTorchOperationCollector().operators
        assert operators["aten.mm"].overloads[0].autograd == "unknown"
        assert operators["aten.conv2d"].overloads[0].autograd == "by parts"
    finally:
        formula_names.cache_clear()


def test_an_operator_of_a_library_is_in_the_catalogue() -> None:
    library = torch.library.Library("torchgraph_catalogue_test", "DEF")
    try:
        library.define("twice(Tensor x) -> Tensor")
        (twice,) = PyTorchOperationCollector().operators["torchgraph_catalogue_test.twice"].overloads
        assert (twice.has_meta, twice.autograd) == (False, "none")
    finally:
        library._destroy()


def test_the_export_has_the_documented_files_and_one_for_each_further_namespace(
    collector: PyTorchOperationCollector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summarizer = PyTorchOperationSummarizer(collector)
    written = {path.name for path in summarizer.export_full_summary(tmp_path / "ops")}
    assert {"summary.txt", "torch_operations.txt", "F_operations.txt", "tensor_operations.txt"} < written
    assert {"linalg_operations.txt", "dispatcher_operations.txt", "operations.json"} < written
    summarizer.print_summary()
    assert capsys.readouterr().out == (tmp_path / "ops" / "summary.txt").read_text("utf-8")
    listed = (tmp_path / "ops" / "tensor_operations.txt").read_text("utf-8")
    assert "clip_(min=None, max=None) -> Tensor\n    method, in-place, built-in" in listed


def test_no_address_of_an_object_is_exported(collector: PyTorchOperationCollector, tmp_path: Path) -> None:
    for path in PyTorchOperationSummarizer(collector).export_full_summary(tmp_path):
        assert " at 0x" not in path.read_text("utf-8")


def test_reading_an_export_needs_no_torch() -> None:
    rooms = "pytest_torchgraph.catalog.stored, pytest_torchgraph.catalog.search"
    code = f"import sys, {rooms}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
