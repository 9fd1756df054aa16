"""The terminal: progress behind pytest's capture, and failures with colours, in one line where pytest sums up.

This module is a plugin of its own, which only the process that writes to the terminal registers.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, TextIO

import pytest

from pytest_torchgraph.words.status import FAILING

STDERR = 2
TERMINAL = pytest.StashKey[TextIO]()


def keep(config: pytest.Config) -> None:
    """Keep a handle on the terminal, if stderr is one; pytest captures only what goes through its own."""
    if hasattr(config, "workerinput") or not _is_terminal():
        return
    stream = os.fdopen(os.dup(STDERR), "w", encoding="utf-8", errors="replace")
    config.stash[TERMINAL] = stream
    config.add_cleanup(stream.close)


def _is_terminal() -> bool:
    try:
        return os.isatty(STDERR)
    except OSError:
        return False


def progress(config: pytest.Config) -> AbstractContextManager[None]:
    """A context in which long recordings tell on the terminal how far they are."""
    stream = config.stash.get(TERMINAL, None)
    if stream is None:
        return nullcontext()
    from pytest_torchgraph.capture.progress import shown_on

    return shown_on(stream)


class Painted:
    """A failure of *test* as pytest holds it, which paints its lines on a terminal that has colours."""

    def __init__(self, told: Any, test: str) -> None:
        self._told = told
        self._test = test

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._told, name)

    def __str__(self) -> str:
        return str(self._told)

    @property
    def reprcrash(self) -> Any:
        """What pytest's summary tells beside the test, under ``-vv`` and in CI all of it: the headline alone."""
        crash = self._told.reprcrash
        first = crash.message.partition("\n")[0].removeprefix("Failed: ")
        return replace(crash, message=first.removeprefix(f"{self._test}: ").removeprefix(f"torchgraph: {self._test} "))

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
    packed: dict[str, Any] = getattr(report, "torchgraph", {"test": report.nodeid, "events": []})
    style = getattr(getattr(report.longrepr, "reprtraceback", None), "style", "")
    if report.failed and style == "value" and (_drifted(packed) or _is_mistake(report, packed["test"])):
        report.longrepr = Painted(report.longrepr, packed["test"])  # type: ignore[assignment]


def _drifted(packed: dict[str, Any]) -> bool:
    return any(event["what"] in FAILING for event in packed["events"])


def _is_mistake(report: pytest.TestReport, test: str) -> bool:
    """Whether its words are about a check, or its marker, that cannot be used: nothing was compared."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash is not None and crash.message.startswith((f"Failed: {test}: ", "Failed: torchgraph: "))
