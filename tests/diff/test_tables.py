"""Entries of small tables that differ."""

from __future__ import annotations

from pytest_torchgraph.diff.compare import table_changes


def test_every_entry_that_differs_is_told_in_the_order_of_the_tables() -> None:
    before, after = {"ops": 9, "copies": 1, "peak": 512}, {"ops": 10, "copies": 1, "peak": 640}
    assert table_changes(before, after) == [("ops", 9, 10), ("peak", 512, 640)]


def test_entries_that_one_side_does_not_have_are_told() -> None:
    assert table_changes({"ops": 9, "syncs": 0}, {"ops": 9, "saved": 4}) == [("syncs", 0, None), ("saved", None, 4)]


def test_tables_that_have_nothing_in_common_are_told_entry_by_entry() -> None:
    before, after = {"a": 1, "b": 2, "c": 3}, {"x": 1, "y": 2, "z": 3}
    assert [name for name, _, _ in table_changes(before, after)] == ["a", "b", "c", "x", "y", "z"]


def test_a_longer_run_is_told_by_its_additional_mode() -> None:
    before, after = dict(enumerate(("eager", "train"))), dict(enumerate(("eager", "eval", "cpu")))
    assert table_changes(before, after) == [(1, "train", "eval"), (2, None, "cpu")]
