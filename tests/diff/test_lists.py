from __future__ import annotations

import math
import subprocess
import sys

from pytest_torchgraph.diff.change import Field
from pytest_torchgraph.diff.fields import list_fields


def test_one_entry_that_differs_is_named() -> None:
    assert list_fields("stride", (2, 1), (2, 2)) == [Field("argument", "stride[1]", 1, 2)]


def test_entries_of_nested_lists_are_named_in_order() -> None:
    fields = list_fields("dims", ((0, 1), (2, 3)), ((0, 9), (8, 3)))
    assert [(field.name, field.before, field.after) for field in fields] == [("dims[0][1]", 1, 9), ("dims[1][0]", 2, 8)]


def test_numbers_that_are_equal_but_of_another_kind_are_told() -> None:
    assert list_fields("scale", (1, 2), (1.0, 2)) == [Field("argument", "scale[0]", 1, 1.0)]
    assert list_fields("keep", (True, (2, 1)), (True, (2, True))) == [Field("argument", "keep[1][1]", 1, True)]


def test_what_is_no_number_equals_itself() -> None:
    assert list_fields("fill", (math.nan, 1), (math.nan, 2)) == [Field("argument", "fill[1]", 1, 2)]


def test_lists_of_other_length_or_with_many_differences_are_told_whole() -> None:
    assert list_fields("size", (1, 2), (1, 2, 3)) == []
    assert list_fields("size", (1, 2, 3, 4), (5, 6, 7, 8)) == []


def test_comparing_graphs_without_changed_lists_leaves_deepdiff_unloaded() -> None:
    code = (
        "import sys; from tests.diff.programs import layers; from pytest_torchgraph.diff.compare import compare;"
        "compare(layers(1), layers(1, change=lambda _: {'act': 'gelu'})); sys.exit('deepdiff' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
