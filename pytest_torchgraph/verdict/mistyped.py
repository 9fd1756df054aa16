"""Names to ignore that match nothing: more likely mistyped than meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from pytest_torchgraph.canonical.metric import METRICS
from pytest_torchgraph.canonical.paths import paths_around
from pytest_torchgraph.canonical.program import Program
from pytest_torchgraph.diff.change import Difference
from pytest_torchgraph.diff.grouping import NUMBER
from pytest_torchgraph.diff.tree import Tree, call_names
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.verdict.ignoring import IgnoreUnreadable, parse_ignore
from pytest_torchgraph.words.nearest import nearest

TOLD = 8
"""Module paths named in a message."""
NEAR = 0.7
"""How alike a word must be to be suggested."""


def require_matching(
    patterns: Iterable[str], programs: Iterable[Program], vocabulary: Callable[[], frozenset[str]] | None
) -> None:
    """Raise :class:`IgnoreUnreadable` for a pattern that no operation, module call or metric of *programs* has.

    An operation that did not run passes where the PyTorch behind *vocabulary* has it; without one, all pass.
    """
    trees = [Tree(program) for program in programs]
    names = {name for tree in trees for name in call_names(tree.bodies[0].record)}
    counts = tuple((name, 1) for name in sorted(names))
    scopes = {path for tree in trees for body in tree.bodies for path in paths_around(body.scope.module)}
    for pattern in patterns:
        wanted = parse_ignore(pattern, Difference(changes=(), counts_after=counts))
        for glob in wanted.operations:
            _require_operation(pattern, glob, names, vocabulary)
        for glob in wanted.scopes:
            _require_scope(pattern, glob, scopes)


def _require_operation(
    pattern: str, glob: str, seen: set[str], vocabulary: Callable[[], frozenset[str]] | None
) -> None:
    if vocabulary is None:  # what else there is cannot be told
        return
    known = {*seen, *map(packet_of, seen), *vocabulary()}
    if not any(fnmatchcase(name, glob) for name in known):
        raise IgnoreUnreadable(
            f"ignore={pattern!r}: no operation is called {glob!r}{nearest(glob, sorted(known), cutoff=NEAR)}"
        )


def _require_scope(pattern: str, glob: str, scopes: set[str]) -> None:
    if any(fnmatchcase(path, glob) for path in scopes):
        return
    told = list(dict.fromkeys(NUMBER.sub("*", path) for path in sorted(scopes)))
    called = ", ".join(told[:TOLD]) + (f" and {len(told) - TOLD} more" if len(told) > TOLD else "")
    raise IgnoreUnreadable(
        f"ignore={pattern!r}: neither the graph nor its snapshot has a module call {glob!r}"
        f"{nearest(glob, sorted({*told, *METRICS}), cutoff=NEAR)} Modules called: {called or 'none'}. "
        f"Metrics: {', '.join(sorted(METRICS))}."
    )
