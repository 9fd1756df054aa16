"""Where two nested structures differ."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import pytest_torchgraph
from pytest_torchgraph.diff.nested import Differing, nested_differences

KEYS = st.text("ab.[']", max_size=2)
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from([0.0, 1.0, 2.5]), KEYS)
NESTED = st.recursive(
    PLAIN,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


def patched(value: Any, differences: list[Differing]) -> Any:
    """*value* with the *differences* made; what goes from a list goes from its end."""
    whole = json.loads(json.dumps([value]))
    gone = [each for each in differences if each.way == "removed"]
    for each in [*(each for each in differences if each.way != "removed"), *reversed(gone)]:
        holder, last = holder_of(whole, each.path)
        if each.way == "removed":
            del holder[last]
        elif each.way == "added" and isinstance(holder, list):
            holder.insert(last, each.after)
        else:
            holder[last] = each.after
    return whole[0]


def holder_of(whole: Any, path: tuple[str | int, ...]) -> tuple[Any, Any]:
    *above, last = (0, *path)
    for step in above:
        whole = whole[step]
    return whole, last


@settings(deadline=None)  # the first one loads deepdiff
@given(NESTED, NESTED)
def test_what_is_told_makes_one_of_the_other(before: Any, after: Any) -> None:
    found = nested_differences(before, after)
    assert json.dumps(patched(before, found), sort_keys=True) == json.dumps(after, sort_keys=True)


@settings(deadline=None)
@given(NESTED)
def test_nothing_is_told_of_what_is_the_same(value: Any) -> None:
    assert nested_differences(value, json.loads(json.dumps(value))) == []


def test_a_number_and_its_likes_in_lists_are_three_values() -> None:
    for one in (1, 1.0, True):
        for other in (1, 1.0, True):
            found = nested_differences([[one, 2], {"a": (one,)}], [[other, 2], {"a": (other,)}])
            assert [each.path for each in found] == ([] if type(one) is type(other) else [(0, 0), (1, "a", 0)])


def test_of_mappings_that_share_no_key_each_key_is_told() -> None:
    found = nested_differences({"a": {"core": 1}}, {"a": {"pointwise": 1}})
    assert [(each.way, each.path) for each in found] == [("removed", ("a", "core")), ("added", ("a", "pointwise"))]


def test_what_is_no_number_equals_itself() -> None:
    assert nested_differences([math.nan, 1], [math.nan, 2]) == [Differing((1,), "changed", 1, 2)]


def test_the_plugin_and_a_comparison_leave_deepdiff_unloaded() -> None:
    code = (
        "import sys; import pytest_torchgraph.plugin.hooks, pytest_torchgraph.plugin.fixture;"
        "import pytest_torchgraph.diff.compare, pytest_torchgraph.diff.nested; sys.exit('deepdiff' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_one_file_imports_deepdiff() -> None:
    package = Path(pytest_torchgraph.__file__).parent
    importing = [path.name for path in package.rglob("*.py") if "import DeepDiff" in path.read_text("utf-8")]
    assert importing == ["nested.py"]
