"""What a check was told to ignore: operations, scopes and metrics."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from pytest_torchgraph.canonical.metric import METRICS
from pytest_torchgraph.canonical.paths import paths_around
from pytest_torchgraph.canonical.program import Semantic, Work
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    Change,
    Difference,
    MetricChanged,
    Moved,
    Removed,
    Site,
    SiteChange,
)
from pytest_torchgraph.diff.grouping import scope_of
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.words.closed import assert_never

NAMESPACES = frozenset({"aten", "prims", "prim", "quantized", "mkldnn", "torchvision", "torchaudio", "higher_order"})
FORMS = (
    '"aten.detach*" (operations), "encoder.*" (scopes), "peak" (a metric); '
    '"op:mylib.*" and "scope:aten" where a name could be either'
)
_GLOB = re.compile(r"[\w.*?\[\]!#-]+")


class IgnoreUnreadable(ValueError):
    """An ignore pattern in no accepted form."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Globs of operations and scopes, and names of metrics."""

    operations: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()

    def covers(self, change: Change) -> bool:
        """Whether *change* is to be ignored."""
        if isinstance(change, MetricChanged):
            return change.name in self.metrics
        return self._covers_scope(scope_of(change)) or any(map(self._covers_operation, _sites(change)))

    def _covers_scope(self, scope: ScopePath) -> bool:
        """Whether the module of *scope*, or one around it, matches, whichever phase and call it is."""
        return any(fnmatchcase(path, glob) for glob in self.scopes for path in paths_around(scope.module))

    def _covers_operation(self, site: Site) -> bool:
        if not isinstance(site.item, (Work, Semantic)):
            return False
        names = (site.name, packet_of(site.name))
        return any(fnmatchcase(name, glob) for glob in self.operations for name in names)


def _sites(change: Change) -> tuple[Site, ...]:
    if not isinstance(change, SiteChange):
        return ()
    match change:
        case Added(site) | Removed(site):
            return (site,)
        case Altered(_, after) | Moved(_, after):
            return (after,)
        case _:
            assert_never(change)


def parse_ignore(patterns: str | Iterable[str], difference: Difference) -> Ignored:
    """The patterns as written by a user; a namespace that either graph runs is known without ``op:``."""
    given = (patterns,) if isinstance(patterns, str) else tuple(patterns)
    names = [name for name, _ in (*difference.counts_before, *difference.counts_after)]
    namespaces = NAMESPACES | {name.partition(".")[0] for name in names}
    found: dict[str, list[str]] = {"op": [], "scope": [], "metric": []}
    for pattern in given:
        kind, glob = _read(pattern, namespaces)
        found[kind].append(glob)
    return Ignored(tuple(found["op"]), tuple(found["scope"]), tuple(found["metric"]))


def _read(pattern: object, namespaces: frozenset[str]) -> tuple[str, str]:
    if not isinstance(pattern, str):
        raise IgnoreUnreadable(f"ignore={pattern!r}: expected text. Accepted forms: {FORMS}.")
    kind, colon, glob = pattern.strip().rpartition(":")
    if (colon and kind not in ("op", "scope", "metric")) or not _GLOB.fullmatch(glob):
        raise IgnoreUnreadable(f"ignore={pattern!r} is not understood. Accepted forms: {FORMS}.")
    if kind == "metric" and glob not in METRICS:
        raise IgnoreUnreadable(
            f"ignore={pattern!r}: there is no metric {glob!r}. Metrics: {', '.join(sorted(METRICS))}."
        )
    if colon:
        return kind, glob
    if glob in METRICS:
        return "metric", glob
    return ("op" if "." in glob and glob.partition(".")[0] in namespaces else "scope"), glob
