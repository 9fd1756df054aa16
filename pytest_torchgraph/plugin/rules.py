"""What one check compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.plugin import options

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from pytest_torchgraph.diff.same import Same
    from pytest_torchgraph.graph import Graph
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

    @classmethod
    def of(cls, config: pytest.Config, *, compare: str | None, tolerance: Any, ignore: str | Iterable[str]) -> Rules:
        """The arguments of one check over the command line over the ini file."""
        __tracebackhide__ = True
        chosen: Any = compare or options.compare_mode(config)
        if chosen not in options.COMPARE:
            raise ValueError(f"compare={compare!r}: expected one of {', '.join(map(repr, options.COMPARE))}.")
        require_readable(tolerance, ignore)
        names = (ignore,) if isinstance(ignore, str) else tuple(ignore)
        return cls(
            compare=chosen,
            tolerance=options.tolerance(config) if tolerance is None else tolerance,
            ignore=(*options.ignored(config), *names),
            same=same_of(config),
            own=names,
        )


def same_of(config: pytest.Config) -> dict[str, str]:
    """Which module before is which after by the ini file; raises ``ValueError`` for a line in no accepted form."""
    lines = options.same(config)
    if not lines:
        return {}
    from pytest_torchgraph.diff.same import parse_same

    return parse_same(lines)


def mistyped_in(rules: Rules, graph: Graph, snapshot: Snapshot | None) -> str:
    """What is wrong with a name to ignore that neither *graph* nor its *snapshot* has; empty where nothing is."""
    if not rules.own:
        return ""
    from pytest_torchgraph.verdict.mistyped import require_matching

    stored = () if snapshot is None else (snapshot.program,)
    try:
        require_matching(rules.own, (graph.canonical, *stored), graph.vocabulary)
    except ValueError as error:
        return str(error)
    return ""


def require_readable(tolerance: Any, ignore: str | Iterable[str]) -> None:
    """Raise ``ValueError`` for a tolerance or a name to ignore in no accepted form."""
    from pytest_torchgraph.diff.change import Difference
    from pytest_torchgraph.verdict.ignoring import parse_ignore
    from pytest_torchgraph.verdict.quantity import parse_tolerance

    if tolerance is not None:
        parse_tolerance(tolerance)
    parse_ignore(ignore, Difference(changes=()))
