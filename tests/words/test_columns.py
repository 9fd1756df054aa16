from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_torchgraph.words.columns import aligned

TABLE = st.integers(1, 4).flatmap(
    lambda columns: st.lists(st.tuples(*[st.text("abc1", max_size=6)] * columns), min_size=1, max_size=5)
)


def test_words_stand_to_the_left_and_figures_to_the_right() -> None:
    rows = [("name", "ops", "note"), ("a", "12", "x"), ("longer", "3", "")]
    assert list(aligned(rows, slice(1, 2))) == ["name    ops  note", "a        12  x", "longer    3"]


@given(TABLE, st.integers(0, 4))
def test_every_cell_is_there_in_order_and_columns_are_as_wide_as_their_longest(
    rows: list[tuple[str, ...]], first: int
) -> None:
    lines = list(aligned(rows, slice(first, None)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for line, row in zip(lines, rows, strict=True):
        assert line.split() == " ".join(row).split()
        assert len(line) <= sum(widths) + 2 * (len(widths) - 1)
        if len(row) > first and row[-1]:
            assert len(line) == sum(widths) + 2 * (len(widths) - 1)
