"""Budgets from the ini file, the command line, the marker and the call: one grammar, the nearest wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from pytest_torchgraph.plugin.location import node_id
from pytest_torchgraph.plugin.options import MARKER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.verdict.finding import Finding

Limits: TypeAlias = "Mapping[str, Any]"
CHECKED = pytest.StashKey[bool]()
"""Whether an item held a graph to its limits."""


def for_check(item: pytest.Item, of_session: Limits, budget: Limits | None) -> Limits:
    """The limits that hold for one check: call over marker over those *of_session*."""
    __tracebackhide__ = True
    if budget is not None:
        _require_amounts(budget)
    everything = {**of_session, **of_markers(item), **(budget or {})}
    return {key: limit for key, limit in everything.items() if not is_order(limit)}


def for_growth(item: pytest.Item, of_session: Limits, budget: Limits | None) -> Limits:
    """The limits that hold for how a model grows: those that are orders, and all that the call itself was given."""
    around = {**of_session, **of_markers(item)}
    item.stash[CHECKED] = True
    return {**{key: limit for key, limit in around.items() if is_order(limit)}, **(budget or {})}


def is_order(limit: object) -> bool:
    """Whether *limit* says how an amount may grow, ``"O(batch)"``."""
    return isinstance(limit, str) and limit.lstrip().startswith("O(")


def of_markers(item: pytest.Item) -> dict[str, Any]:
    """The limits of the test's markers, the nearest marker over those around it."""
    found: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers(MARKER))):
        for argument in marker.args:
            if not isinstance(argument, dict):
                raise ValueError(  # noqa: TRY004  one kind of error for whatever a marker gets wrong
                    f"{MARKER}({argument!r}): expected keywords, such as {MARKER}(ops=120), "
                    f"or a mapping, {MARKER}({{'aten.clone': 0}})."
                )
            found.update(argument)
        found.update(marker.kwargs)
    return found


def require_readable(limits: Limits) -> None:
    """Raise ``ValueError`` for a key or an amount that no budget takes; the sizes of an order are known to a call."""
    _require_amounts({key: limit for key, limit in limits.items() if not is_order(limit)})


def _require_amounts(limits: Limits) -> None:
    if limits:
        from pytest_torchgraph.verdict.budget import parse_budget

        parse_budget(limits)


def broken(graph: Graph, limits: Limits) -> list[Finding]:
    """The limits that *graph* does not keep; raises ``ValueError`` for an operation that PyTorch does not have."""
    from pytest_torchgraph.verdict.budget import check_budget

    return check_budget(graph, limits)


def require_valid_marker(item: pytest.Item, fixture: str) -> None:
    """Fail the setup of *item* when its budget marker cannot be read or would never be applied."""
    __tracebackhide__ = True
    try:
        fault = "" if of_markers(item) else f"{MARKER}() limits nothing: give it limits, such as ops=120."
        require_readable(of_markers(item))
    except ValueError as error:
        fault = str(error)
    if not fault and fixture not in getattr(item, "fixturenames", ()):
        fault = f"the marker {MARKER} limits torch_graph.check, and the test does not use the torch_graph fixture."
    if fault:
        pytest.fail(f"{node_id(item)}: {fault}", pytrace=False)


def require_checked(item: pytest.Item) -> None:
    """Fail *item* when its budget marker was never applied."""
    __tracebackhide__ = True
    if not item.stash.get(CHECKED, False):
        pytest.fail(
            f"{node_id(item)}: the test has a {MARKER} marker and checked nothing: call torch_graph.check.",
            pytrace=False,
        )
