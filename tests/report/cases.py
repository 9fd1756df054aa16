"""Cases made by hand, and from two programs."""

from __future__ import annotations

from pytest_torchgraph.canonical.program import Program
from pytest_torchgraph.comparison import Comparison
from pytest_torchgraph.report.case import Case, Metric, case_of
from pytest_torchgraph.report.outline import Outline, Row, Section
from pytest_torchgraph.report.view import view_of
from pytest_torchgraph.words.status import Status

RECORDED = ("torch 2.13.0, linux x86_64", "torch 2.13.0, linux x86_64")
HOSTILE = (
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "a | b `c` ``` **d** [e](javascript:1) @f \\| $g$ &lt; <!-- ",
    "line\nbreak\r\t\x1b[31m\u2028\u2029",
    "${window.hacked = 1} {{data}} ]]> --> '\"",
)


def case(test: str, status: Status, title: str = "what happened", **more: object) -> Case:
    """A case without graphs."""
    outline = Outline(status="same" if status == "same" else "drift", title=f"{test}: {title}")
    return Case(test=test, status=status, outline=outline, **more)  # type: ignore[arg-type]


def drift(test: str, change: str = "3f2a0000", lines: int = 1) -> Case:
    """A drift with one finding of *lines* lines."""
    section = Section(
        "+1 aten.clone (0 -> 1)",
        (Row("layers.0", "+clone of %mm", "m.py:3"),),
        lines=("  + clone",) * lines,
        change=change,
    )
    outline = Outline(status="drift", title=f"{test}: +1 aten.clone (0 -> 1)", sections=(section,), changes=(change,))
    metrics = (Metric("ops", 91, 107), Metric("peak", 2048, 1024), Metric("copies", 0, 1), Metric("casts", 3, 3))
    return Case(test=test, status="drift", outline=outline, path=f"snapshots/{test}", metrics=metrics)


def seen(before: Program, after: Program, test: str = "test_m") -> Case:
    """Two programs compared, with all that the page draws."""
    comparison = Comparison.of(before, after, RECORDED)
    return case_of(comparison, test=test, view=view_of(before, after, comparison.difference))
