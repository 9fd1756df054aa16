from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_torchgraph.recorded.tensor import Geometry, contiguous_stride


def whole(*shape: int) -> Geometry:
    return Geometry(shape, contiguous_stride(shape))


@given(st.permutations([(2, 12), (3, 4), (4, 1)]))
def test_the_same_elements_in_another_order_are_the_same_elements(dimensions: list[tuple[int, int]]) -> None:
    shape, stride = zip(*dimensions, strict=True)
    assert Geometry(shape, stride).elements == whole(24).elements


def test_an_expanded_dimension_reads_no_other_elements() -> None:
    assert Geometry((5, 8), (0, 1)).elements == whole(8).elements == Geometry((1, 8, 1), (9, 1, 7)).elements


def test_a_slice_an_index_and_other_bounds_read_other_elements() -> None:
    parts = [whole(4, 8), Geometry((4, 7), (8, 1)), Geometry((4, 7), (8, 1), 1), Geometry((4,), (8,)), whole(3, 8)]
    assert len({part.elements for part in parts}) == len(parts)


def test_nothing_is_read_of_what_is_empty() -> None:
    assert Geometry((0, 8), (8, 1), 3).elements == whole(5, 0).elements
