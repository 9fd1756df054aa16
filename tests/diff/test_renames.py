"""Places of the graph before are told under the names that modules have after."""

from __future__ import annotations

import pytest

from pytest_torchgraph.canonical.alive import Alive
from pytest_torchgraph.diff.renames import Renames

NAMES = Renames({"layers.0": "blocks.0", "layers.0.mlp": "blocks.0.ff", "0": "first"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("layers.0.mlp: mul", "blocks.0.ff: mul"),
        ("backward layers.0: add", "backward blocks.0: add"),
        ("saved layers.*.mlp: mul f32[2,16]", "saved blocks.*.ff: mul f32[2,16]"),
        ("temporary 0: mm f32[0,2]", "temporary first: mm f32[0,2]"),
        ("layers.00: mul", "layers.00: mul"),
        ("other.layers.0: mul", "other.layers.0: mul"),
        ("gradients", "gradients"),
        ("", ""),
    ],
)
def test_a_place_has_the_name_of_its_module_after(before: str, after: str) -> None:
    assert NAMES.now(before) == after
    assert NAMES.alive((Alive(4, 1, before),)) == (Alive(4, 1, after),)


def test_without_renames_every_place_stays() -> None:
    assert Renames({}).now("layers.0: mul") == "layers.0: mul"
