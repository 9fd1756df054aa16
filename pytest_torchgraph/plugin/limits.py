"""Budgets from the ini file, the command line, the marker and the call: one grammar, the nearest wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from pytest_torchgraph.plugin import options
from pytest_torchgraph.plugin.location import node_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.verdict.finding import Finding

Limits: TypeAlias = "Mapping[str, Any]"
CHECKED = pytest.StashKey[bool]()


def broken(graph: Graph, limits: Limits) -> list[Finding]:
    """The limits that *graph* does not keep; raises ``ValueError`` for an operation that PyTorch does not have."""
    from pytest_torchgraph.verdict.budget import check_budget

    return check_budget(graph, limits)


def report(test: str, findings: list[Finding], config: pytest.Config) -> str:
    """Every broken limit with its value and the scopes that cost most."""
    from pytest_torchgraph.plugin.comparison import shown
    from pytest_torchgraph.report.budget import outline_of

    return shown(outline_of(findings, test=test), config)


def for_session(config: pytest.Config) -> dict[str, Any]:
    """The limits of the ini file, those of the command line over them."""
    lines = [*config.getini("torchgraph_budget"), *(config.getoption("torchgraph_budget") or ())]
    return dict(_key_and_limit(line) for line in lines)


def _key_and_limit(line: str) -> tuple[str, str]:
    key, colon, limit = line.partition(":")
    if not colon or not key.strip() or not limit.strip():
        raise ValueError(
            f"budget {line!r}: expected 'key: limit', such as 'ops: 120', 'peak: 64 MiB' or 'aten.clone: 0'."
        )
    return key.strip(), limit.strip()


def require_readable(limits: Limits) -> None:
    """Raise ``ValueError`` for a key or an amount that no budget takes."""
    if limits:
        from pytest_torchgraph.verdict.budget import parse_budget

        parse_budget(limits)


def of_markers(item: pytest.Item) -> dict[str, Any]:
    """The limits of the test's markers, the nearest marker over those around it."""
    found: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers(options.MARKER))):
        for argument in marker.args:
            if not isinstance(argument, dict):
                raise ValueError(  # noqa: TRY004  one kind of error for whatever a marker gets wrong
                    f"{options.MARKER}({argument!r}): expected keywords, such as {options.MARKER}(ops=120), "
                    f"or a mapping, {options.MARKER}({{'aten.clone': 0}})."
                )
            found.update(argument)
        found.update(marker.kwargs)
    return found


def for_check(item: pytest.Item, budget: Mapping[str, Any] | None) -> Limits:
    """The limits that hold for one check: call over marker over command line over ini file."""
    __tracebackhide__ = True
    if budget is not None:
        require_readable(budget)
    return {**for_session(item.config), **of_markers(item), **(budget or {})}


def require_valid_marker(item: pytest.Item, fixture: str) -> None:
    """Fail the setup of *item* when its budget marker cannot be read or would never be applied."""
    __tracebackhide__ = True
    try:
        fault = "" if of_markers(item) else f"{options.MARKER}() limits nothing: give it limits, such as ops=120."
        require_readable(of_markers(item))
    except ValueError as error:
        fault = str(error)
    if not fault and fixture not in getattr(item, "fixturenames", ()):
        fault = (
            f"the marker {options.MARKER} limits torch_graph.check, and the test does not use the torch_graph fixture."
        )
    if fault:
        pytest.fail(f"{node_id(item)}: {fault}", pytrace=False)


def note_checked(item: pytest.Item) -> None:
    """Remember that *item* held a graph to its limits."""
    item.stash[CHECKED] = True


def require_checked(item: pytest.Item) -> None:
    """Fail *item* when its budget marker was never applied."""
    __tracebackhide__ = True
    if not item.stash.get(CHECKED, False):
        pytest.fail(
            f"{node_id(item)}: the test has a {options.MARKER} marker and checked nothing: call torch_graph.check.",
            pytrace=False,
        )
