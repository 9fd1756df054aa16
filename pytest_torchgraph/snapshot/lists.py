"""Long lists of values that count, on one line: ``{%past.{i}.keys, %past.{i}.values ×32}``; i counts from 0."""

from __future__ import annotations

import re

from pytest_torchgraph.snapshot.allowance import Allowance
from pytest_torchgraph.snapshot.template import Counter, instantiate

_SHORTENED = re.compile(r"(?P<before>, )?\{(?P<values>(?:[^{}]|\{[^{}]*\})*) ×(?P<times>\d+)\}")


def lengthen(text: str, counter: Counter, allowance: Allowance | None = None) -> str:
    """The text that :func:`~.shortening.shorten` was given.

    Raises ``ValueError`` for a list that is none, or too long.
    """
    return _SHORTENED.sub(lambda found: _lengthened(found, counter, allowance), text)


def _lengthened(found: re.Match[str], counter: Counter, allowance: Allowance | None) -> str:
    templates = found["values"].split(", ")
    times = int(found["times"])
    if allowance is not None:
        allowance.spend(times, 0, len(found["values"]) + 20 * len(templates))
    values = [instantiate(template, index, counter) for index in range(times) for template in templates]
    return f"{found['before'] or ''}{', '.join(values)}" if values else ""
