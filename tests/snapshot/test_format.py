"""The text itself: what a reviewer sees, and that a reader accepts exactly that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_torchgraph.canonical.program import Block, Leaf, ModuleCall, Operand, Reading, Result, Semantic, Work
from pytest_torchgraph.recorded.tensor import RAGGED, Geometry, TensorSpec, contiguous_stride
from pytest_torchgraph.snapshot.geometry import express, resolve
from pytest_torchgraph.snapshot.operations import USUAL_OVERLOADS, operation_of, operation_text
from pytest_torchgraph.snapshot.reader import Snapshot, read
from pytest_torchgraph.snapshot.tensor import spec_of, spec_text
from pytest_torchgraph.snapshot.writer import write
from tests.snapshot.golden import BLOCK, CACHED, GROWING


def rewritten(snapshot: Snapshot) -> str:
    """The file of what was read."""
    return write(snapshot.program, test=snapshot.test, recorded=snapshot.recorded)


@pytest.mark.parametrize("text", [BLOCK, CACHED, GROWING], ids=["block", "cached", "growing"])
def test_an_example_is_read_and_written_as_it_stands(text: str) -> None:
    assert rewritten(read(text)) == text


def test_windows_line_ends_are_read() -> None:
    assert read(BLOCK.replace("\n", "\r\n")) == read(BLOCK)


def test_a_block_is_read_as_what_it_says() -> None:
    root = read(BLOCK).program.root
    norm, attention, add = root.items[1:]
    assert isinstance(norm, Block)
    assert [path for path, _ in norm.leaves] == ["weight", "bias"]
    assert norm.inputs == (Operand(Result(0)),)
    assert isinstance(attention, Block)
    assert attention.inputs == (Operand(Result(1), Reading(Geometry((32, 64), (64, 1)))),)
    assert isinstance(attention.items[1], Semantic)
    assert attention.items[1].name == "scaled_dot_product_attention"
    assert attention.items[1].keywords == (("attn_mask", None), ("is_causal", True))
    assert isinstance(add, Work)
    assert add.name == "aten.add.Tensor"


def test_layers_share_a_body_and_carry_a_value() -> None:
    (model,) = [item for item in read(CACHED).program.root.items if isinstance(item, Block)]
    layers = [item for item in model.items if isinstance(item, Block) and item.class_name == "Layer"]
    assert [layer.name for layer in layers] == [f"layers.{index}" for index in range(32)]
    assert len({layer.items for layer in layers}) == 2
    assert [layer.inputs[0] for layer in layers[:3]] == [
        Operand(Result(0)),
        Operand(Result(1, 2)),
        Operand(Result(2, 2)),
    ]


def test_a_rename_changes_the_line_and_nothing_else() -> None:
    program = read(BLOCK).program
    norm = program.root.items[1]
    assert isinstance(norm, ModuleCall)
    items = (program.root.items[0], replace(norm, class_name="RMSNorm"), *program.root.items[2:])
    text = write(replace(program, root=replace(program.root, items=items)), test="t", recorded="r")
    before = write(program, test="t", recorded="r").splitlines()
    (line,) = [line for line in text.splitlines() if line not in before]
    assert line.startswith("  norm1: RMSNorm = native_layer_norm(%x, [64], ")


def test_a_root_that_was_called_by_name_is_refused() -> None:
    program = read(BLOCK).program
    with pytest.raises(ValueError, match="the root of a program"):
        write(replace(program, root=replace(program.root, name="x")), test="t", recorded="r")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("aten.addmm.default", "addmm"),
        ("aten.add.Tensor", "add"),
        ("aten.add.Scalar", "add.Scalar"),
        ("aten.add.default", "add.default"),
        ("prims.convert_element_type.default", "prims.convert_element_type.default"),
        ("mylib.op", '@"mylib.op"'),
        ("odd(name", '@"odd(name"'),
    ],
)
def test_an_operation_is_named_by_packet_and_unusual_overload(name: str, text: str) -> None:
    assert operation_text(name) == text
    assert operation_of(text) == name


def test_every_usual_overload_can_be_had_back() -> None:
    for packet, overload in USUAL_OVERLOADS.items():
        assert operation_of(packet) == f"aten.{packet}.{overload}"
        assert operation_text(f"aten.{packet}.default") == f"{packet}.default"


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        (TensorSpec("float32", (2, 16), Geometry((2, 16), (16, 1))), "f32[2,16]"),
        (TensorSpec("bfloat16", (), Geometry((), ())), "bf16[]"),
        (TensorSpec("float32", (2, 3), Geometry((2, 3), (1, 2), 4)), "f32[2,3] stride(1,2) offset(4)"),
        (TensorSpec("float32", (2, 8, 4, 4), Geometry((2, 8, 4, 4), (128, 1, 32, 8))), "f32[2,8,4,4] channels_last"),
        (TensorSpec("int64", (2,), None, "cuda:0", "sparse_coo"), "i64[2]@cuda:0 layout(sparse_coo)"),
        (TensorSpec("complex64", (2,), Geometry((2,), (1,)), conj=True), "c64[2] conj"),
        (TensorSpec("float32", (2,), None), "f32[2] geometry(none)"),
        (TensorSpec("float32", (2, RAGGED, 8), None), "f32[2,?,8] geometry(none)"),
        (TensorSpec("f32", (2,), Geometry((2,), (1,))), '"f32"[2]'),
    ],
)
def test_a_spec_says_what_is_out_of_the_ordinary(spec: TensorSpec, text: str) -> None:
    assert spec_text(spec) == text
    assert spec_of(text) == spec


def row_major(*shape: int, offset: int = 0) -> Geometry:
    """A tensor without gaps."""
    return Geometry(shape, contiguous_stride(shape), offset)


@pytest.mark.parametrize(
    ("geometry", "base", "text"),
    [
        (row_major(32, 64), row_major(2, 16, 64), "[32,64]"),
        (Geometry((64, 32), (1, 64)), row_major(32, 64), ".T"),
        (Geometry((2, 4, 16, 16), (3072, 16, 192, 1), 64), row_major(32, 192), "[2,16,12,16][:,:,4:8].transpose(1,2)"),
        (Geometry((2, 1, 64), (1024, 64, 1), 960), row_major(2, 16, 64), "[:,15:16]"),
        (Geometry((2, 64), (1024, 1), 960), row_major(2, 16, 64), "[:,15]"),
        (Geometry((2, 16, 32), (1024, 64, 2), 1), row_major(2, 16, 64), "[:,:,1:64:2]"),
        (Geometry((2, 4, 16), (16, 0, 1)), row_major(2, 1, 16), ".expand(2,4,16)"),
        (Geometry((), (), 5), row_major(2, 3), "[1,2,]"),
        (Geometry((8, 3), (1, 1)), row_major(10), ".as_strided((8,3),(1,1),0)"),
        (Geometry((2,), (1,)), None, ".as_strided((2),(1),0)"),
    ],
)
def test_a_reading_is_spelt_as_one_would_write_it(geometry: Geometry, base: Geometry | None, text: str) -> None:
    assert express(geometry.normalised(), base) == text
    assert resolve(text, base) == geometry.normalised()


@pytest.mark.parametrize(
    "text", ["[5]", "[:,9]", "[0:9]", ".permute(0,0)", ".T.T.T[", ".expand(3,4)", "[:,:,:]", ".transpose(0,5)"]
)
def test_a_reading_that_does_not_fit_its_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        resolve(text, row_major(2, 3))


def test_parameters_that_are_read_in_another_order_are_listed() -> None:
    program = read(BLOCK).program
    spec = TensorSpec("float32", (2,), row_major(2))
    add = Work("aten.add.Tensor", (Operand(Leaf("bias")), Operand(Leaf("weight"))), (), (spec,))
    leaves = (("weight", spec), ("bias", spec), ("unused", spec))
    root = ModuleCall(name="", class_name="M", leaves=leaves, items=(add,))
    odd = replace(program, root=root, outputs=(), metrics=())
    text = write(odd, test="t", recorded="r")
    assert "\n  leaves weight:f32[2], bias:f32[2], unused:f32[2]\n  add(bias, weight) f32[2]\n" in text
    assert read(text).program == odd
