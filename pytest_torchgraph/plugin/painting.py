"""Failures with colours where the terminal has them; what other plugins read of a failure stays plain.

This module is a plugin of its own, which only the process that writes to the terminal registers.
"""

from __future__ import annotations

from typing import Any

import pytest

FAILING = frozenset({"drifted", "missing", "over budget", "unreadable", "refused"})


class Painted:
    """A failure as pytest holds it, which paints its lines on a terminal that has colours."""

    def __init__(self, told: Any) -> None:
        self._told = told

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._told, name)

    def __str__(self) -> str:
        return str(self._told)

    def toterminal(self, tw: Any) -> None:
        """Write it; pytest has decided on colours from ``--color``, ``NO_COLOR``, ``FORCE_COLOR`` and the terminal."""
        if not tw.hasmarkup:
            self._told.toterminal(tw)
            return
        from pytest_torchgraph.report.terminal import painted

        for line in painted(str(self._told).splitlines()):
            tw.line(line)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Paint a failure that consists of the words of a check, and of no traceback."""
    packed: dict[str, Any] = getattr(report, "torchgraph", {"events": []})
    style = getattr(getattr(report.longrepr, "reprtraceback", None), "style", "")
    if report.failed and style == "value" and any(event["what"] in FAILING for event in packed["events"]):
        report.longrepr = Painted(report.longrepr)  # type: ignore[assignment]
