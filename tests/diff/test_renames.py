"""Places of the graph before are told under the names that modules have after."""

from __future__ import annotations

import pytest

from pytest_torchgraph.canonical.alive import Alive, Place, What
from pytest_torchgraph.diff.renames import Renames

NAMES = Renames({"layers.0": "blocks.0", "layers.0.mlp": "blocks.0.ff", "0": "first"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("layers.0.mlp: mul", "blocks.0.ff: mul"),
        ("backward layers.0: add", "backward blocks.0: add"),
        ("0: mm", "first: mm"),
        ("layers.00: mul", "layers.00: mul"),
        ("other.layers.0: mul", "other.layers.0: mul"),
        ("relu", "relu"),
        ("", ""),
    ],
)
def test_a_place_has_the_name_of_its_module_after(before: str, after: str) -> None:
    assert str(NAMES.place(Place.read(before))) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("saved layers.*.mlp: mul f32[2,16]", "saved blocks.*.ff: mul f32[2,16]"),
        ("saved backward layers.0.act: mul f32[2]", "saved backward blocks.0.act: mul f32[2]"),
        ("temporary 0: mm f32[0,2]", "temporary first: mm f32[0,2]"),
        ("saved layers.0.bias f32[2]", "saved blocks.0.bias f32[2]"),
        ("temporary relu f32[2]", "temporary relu f32[2]"),
        ("gradients", "gradients"),
    ],
)
def test_values_are_told_by_the_name_of_their_module_after(before: str, after: str) -> None:
    names = Renames({"layers.0": "blocks.0", "layers.0.mlp": "blocks.0.ff", "0": "first", "relu": "act"})
    assert [str(one.what) for one in names.alive((Alive(4, 1, What.read(before)),))] == [after]


def test_the_start_of_the_run_is_no_place() -> None:
    assert NAMES.place(None) is None


def test_without_renames_every_place_stays() -> None:
    assert Renames({}).now("layers.0") == "layers.0"
