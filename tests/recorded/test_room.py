"""What runs in a large frame runs as it does elsewhere."""

import sys

import pytest

from pytest_torchgraph.recorded.room import roomy


def test_what_runs_in_a_large_frame_returns_and_raises_as_it_is() -> None:
    error = ValueError("no")

    def fails() -> None:
        raise error

    assert roomy(lambda: 5) == 5
    with pytest.raises(ValueError, match="no") as raised:
        roomy(fails)
    assert raised.value is error


def test_a_large_frame_is_one_frame_and_leaves_recursion_as_deep() -> None:
    def deep(left: int) -> int:
        return 0 if not left else 1 + deep(left - 1)

    assert roomy(lambda: deep(sys.getrecursionlimit() // 2)) == sys.getrecursionlimit() // 2
    assert roomy(lambda: sys._getframe(2).f_code) is sys._getframe().f_code
