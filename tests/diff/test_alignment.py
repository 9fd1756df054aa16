from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_torchgraph.diff import alignment
from pytest_torchgraph.diff.alignment import align

keys = st.lists(st.integers(0, 4), max_size=24)


@settings(deadline=None)
@given(keys, keys)
def test_pairs_have_equal_keys_and_keep_the_order(before: list[int], after: list[int]) -> None:
    pairs = align(before, after)
    assert all(before[left] == after[right] for left, right in pairs)
    assert all(one[0] < two[0] and one[1] < two[1] for one, two in pairwise(pairs))


@settings(deadline=None)
@given(keys)
def test_a_sequence_aligns_with_itself(keys: list[int]) -> None:
    assert align(keys, keys) == [(at, at) for at in range(len(keys))]


@settings(deadline=None)
@given(keys.filter(bool), st.data())
def test_one_insertion_leaves_everything_else_paired(keys: list[int], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(keys)))
    assert len(align(keys, [*keys[:at], 99, *keys[at:]])) == len(keys)


def test_a_long_periodic_sequence_with_scattered_edits_loses_only_the_edited_items() -> None:
    chance = random.Random(7)
    before = [at % 13 for at in range(20_000)]
    edited = set(chance.sample(range(20_000), 60))
    after = [99 if at in edited else key for at, key in enumerate(before)]
    assert len(align(before, after)) == 20_000 - 60


def test_past_the_edit_limit_the_search_still_reaches_the_end() -> None:
    chance = random.Random(3)
    before, after = ([chance.randrange(30) for _ in range(3 * alignment.EDIT_LIMIT)] for _ in range(2))
    pairs = align(before, after)
    assert len(pairs) > alignment.EDIT_LIMIT // 4
    assert all(before[left] == after[right] for left, right in pairs)
