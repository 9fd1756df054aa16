"""The session's defaults, read before any test: a default that cannot be read stops the run."""

from __future__ import annotations

import pytest

from pytest_torchgraph.plugin import limits, options, rules


def require_readable(config: pytest.Config) -> None:
    """Raise ``UsageError`` for a tolerance, a budget, a name to ignore or a same module that cannot be read.

    Reading them loads the rooms that judge, so a session that sets none pays nothing.
    """
    tolerance, ignored = options.tolerance(config), options.ignored(config)
    try:
        limits.require_readable(limits.for_session(config))
        if tolerance or ignored:
            rules.require_readable(tolerance, ignored)
        rules.same_of(config)
    except ValueError as error:
        raise pytest.UsageError(f"torchgraph: {error}") from None
