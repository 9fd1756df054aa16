"""The end of a function over a closed union."""

from __future__ import annotations

import sys

if sys.version_info >= (3, 11):
    from typing import assert_never
else:
    from typing import NoReturn

    def assert_never(value: NoReturn, /) -> NoReturn:
        """Say that no other case is left, which mypy checks."""
        raise AssertionError(f"Expected code to be unreachable, but got: {value!r}")


__all__ = ["assert_never"]
