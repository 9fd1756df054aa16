"""A path is told from the nearest module call that holds it."""

from __future__ import annotations

import pytest

from pytest_torchgraph.canonical.paths import absolute, relative

AROUND = ("layers.0.attn.scale", "layers.0.attn", "layers.0", "")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("layers.0.attn.scale.weight", "weight"),
        ("layers.0.attn.bias", "../bias"),
        ("layers.0.attn.scale_2", "../scale_2"),
        ("layers.0.norm.weight", "../../norm.weight"),
        ("layers.1.weight", "/layers.1.weight"),
        ("embed.weight", "/embed.weight"),
        ("layers.0.attn.scale", "../scale"),
    ],
)
def test_a_path_is_told_from_the_nearest_call_that_holds_it(path: str, told: str) -> None:
    assert relative(path, AROUND) == told
    assert absolute(told, AROUND) == path


@pytest.mark.parametrize("path", ["weight", "layers.0.weight", ""])
def test_the_root_names_what_it_holds_as_it_is(path: str) -> None:
    assert absolute(relative(path, ("",)), ("",)) == path


def test_a_module_called_from_elsewhere_names_what_its_caller_holds() -> None:
    around = ("shared", "layers.3", "")
    assert relative("layers.3.gain", around) == "../gain"
    assert absolute("../gain", around) == "layers.3.gain"


def test_there_is_nothing_around_the_root() -> None:
    assert absolute("../../../x", ("a", "")) == "x"
