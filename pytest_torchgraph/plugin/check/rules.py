"""What one check compares, and the limits it holds the graph to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_torchgraph.plugin.check import limits
from pytest_torchgraph.plugin.location import node_id
from pytest_torchgraph.plugin.options import COMPARE
from pytest_torchgraph.plugin.settings import settings
from pytest_torchgraph.quick import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_torchgraph.diff.same import Same
    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.plugin.settings import Settings
    from pytest_torchgraph.snapshot.reader import Snapshot
    from pytest_torchgraph.verdict.drift import Compare


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a check compares, after the defaults of the session were filled in.

    ``own`` are the names to ignore that this very check was given: those must match something.
    """

    compare: Compare
    tolerance: Any
    ignore: tuple[str, ...]
    same: Same
    own: tuple[str, ...]
    limits: limits.Limits

    @classmethod
    def of(
        cls,
        item: pytest.Item,
        defaults: Settings,
        *,
        compare: str | None,
        tolerance: Any,
        ignore: str | Iterable[str],
        budget: Mapping[str, Any] | None,
    ) -> Rules:
        """The arguments of one check of *item* over the marker over the *defaults* of the session.

        ``compare="budget"`` without any limit would be an empty green, and fails the test.
        """
        __tracebackhide__ = True
        chosen: Any = compare or defaults.compare
        if chosen not in COMPARE:
            raise ValueError(f"compare={compare!r}: expected one of {', '.join(map(repr, COMPARE))}.")
        require_readable(tolerance, ignore)
        held = limits.for_check(item, defaults.budget, budget)
        if chosen == "budget" and not held:
            pytest.fail(
                f"torchgraph: {node_id(item)} compares only budgets (compare='budget'), and has none.\n"
                "  Give check(budget={...}), the marker torchgraph_budget, or the ini setting torchgraph_budget.",
                pytrace=False,
            )
        names = (ignore,) if isinstance(ignore, str) else tuple(ignore)
        return cls(
            compare=chosen,
            tolerance=defaults.tolerance if tolerance is None else tolerance,
            ignore=(*defaults.ignore, *names),
            same=defaults.same,
            own=names,
            limits=held,
        )


def mistyped_in(rules: Rules, graph: Graph, snapshot: Snapshot | None) -> str:
    """What is wrong with a name to ignore that neither *graph* nor its *snapshot* has; empty where nothing is."""
    from pytest_torchgraph.verdict.mistyped import require_matching

    stored = () if snapshot is None else (snapshot.program,)
    try:
        require_matching(rules.own, (graph.canonical, *stored), graph.vocabulary)
    except ValueError as error:
        return str(error)
    return ""


def require_readable(tolerance: Any, ignore: str | Iterable[str]) -> None:
    """Raise ``ValueError`` for a tolerance or a name to ignore in no accepted form."""
    if tolerance is None and not ignore:
        return
    from pytest_torchgraph.diff.change import Difference
    from pytest_torchgraph.verdict.ignoring import parse_ignore
    from pytest_torchgraph.verdict.quantity import parse_tolerance

    if tolerance is not None:
        parse_tolerance(tolerance)
    parse_ignore(ignore, Difference(changes=()))


def require_defaults(config: pytest.Config) -> None:
    """Raise ``UsageError`` for a default of the session that cannot be read.

    Reading them loads the rooms that judge, so a session that sets none pays nothing.
    """
    defaults = settings(config)
    try:
        limits.require_readable(defaults.budget)
        if defaults.tolerance or defaults.ignore:
            require_readable(defaults.tolerance, defaults.ignore)
    except ValueError as error:
        raise pytest.UsageError(f"torchgraph: {error}") from None
