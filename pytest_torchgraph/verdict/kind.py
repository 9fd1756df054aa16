"""Which kind of finding each change is: a table by the type of the change and the family of the operation."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from pytest_torchgraph.canonical.metric import BYTE_METRICS
from pytest_torchgraph.canonical.program import Block, Given, Item, Semantic, Work
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    BreakChanged,
    Called,
    Change,
    CompileChange,
    GraphChanged,
    LeafChanged,
    LoopChanged,
    MetricChanged,
    ModuleChange,
    Moved,
    OutputChanged,
    PeakMoved,
    RecompileChanged,
    Redeclared,
    Removed,
    Renamed,
    Replaced,
    RunChanged,
    Site,
    Value,
)
from pytest_torchgraph.recorded.kinds import ATTENTION, ATTENTION_CALLS, GROUPS, Doing
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.tensor import TensorSpec
from pytest_torchgraph.verdict.finding import Kind
from pytest_torchgraph.words.closed import assert_never

METRIC_KINDS: dict[str, Kind] = {"syncs": "sync", **dict.fromkeys(BYTE_METRICS, "memory")}
FAMILIES: tuple[tuple[str, Kind], ...] = (
    ("syncs", "sync"),
    ("casts", "cast"),
    ("copies", "copy"),
    ("attention", "attention"),
)
"""Groups of operations, and the kind of finding that one of them is."""
FIELDS: tuple[tuple[frozenset[str], Kind], ...] = (
    (frozenset({"name"}), "operation"),
    (frozenset({"wait"}), "sync"),
    (frozenset({"dtype"}), "cast"),
    (frozenset({"argument", "operand", "leaf", "result"}), "argument"),
    (frozenset({"shape", "stride", "device", "layout", "geometry", "part"}), "look"),
)


def kind_of(change: Change) -> Kind:
    """The kind of finding that *change* belongs to."""
    match change:
        case Added(site) | Removed(site):
            return "backend" if site.beneath else _item_kind(site)
        case Altered():
            return _altered_kind(change)
        case Moved(before):
            return "backend" if before.beneath else "order"
        case MetricChanged(name):
            return METRIC_KINDS.get(name, "count")
        case _:
            return _other_kind(change)


def _other_kind(change: ModuleChange | CompileChange | OutputChanged | RunChanged | PeakMoved) -> Kind:
    match change:
        case LeafChanged(path=path, before=before, after=after):
            return "follow" if is_gradient(path) else "look" if before.text == after.text else "state"
        case Called(bare=bare):
            return "name" if bare else "scope"
        case BreakChanged() | RecompileChanged() | GraphChanged():
            return "compile" if tells_more(change) else "bookkeeping"
        case Renamed() | Replaced() | LoopChanged() | OutputChanged() | RunChanged() | PeakMoved() | Redeclared():
            return KINDS[type(change)]
        case _:
            assert_never(change)


def tells_more(change: CompileChange) -> bool:
    """Whether *change* says more than where in the model something is, or how much work a graph does."""
    match change:
        case BreakChanged(before, after):
            return before is None or after is None or (before.id, before.reason) != (after.id, after.reason)
        case RecompileChanged(before, after):
            return before is None or after is None or before.guard != after.guard
        case GraphChanged(before, after):
            return before.dynamic != after.dynamic


def is_gradient(path: str) -> bool:
    """Whether *path* names the gradient of a parameter: what it looks like follows from how it is computed."""
    return path.endswith(".grad")


KINDS: Mapping[type[Change], Kind] = {
    Renamed: "name",
    Replaced: "name",
    LoopChanged: "state",
    OutputChanged: "output",
    RunChanged: "run",
    PeakMoved: "bookkeeping",
    Redeclared: "bookkeeping",
}


def _item_kind(site: Site) -> Kind:
    match site.item:
        case Work():
            return _work_kind(site, site.item)
        case Semantic(name=name):
            return "attention" if name in ATTENTION_CALLS else "operation"
        case Block():
            return "scope"
        case Given():
            return _given_kind(site.item)


def _given_kind(given: Given) -> Kind:
    """A constant is an argument that happens to be a tensor."""
    return "input" if given.kind == "input" else "argument"


def _work_kind(site: Site, work: Work) -> Kind:
    doing = _doing(site, work)
    return next((kind for group, kind in FAMILIES if GROUPS[group](doing)), "operation")


def _doing(site: Site, work: Work) -> Doing:
    read = site.reads[0].spec if site.reads else None
    return Doing(work.name, read, result_spec(site), work.wait)


def is_in_group(group: str, site: Site) -> bool:
    """Whether one operation stands at *site*, and is counted in *group*."""
    return isinstance(site.item, Work) and GROUPS[group](_doing(site, site.item))


def syncs_in(item: Item) -> bool:
    """Whether the host waits for *item*, or for anything in it."""
    match item:
        case Work():
            return item.is_sync
        case Given():
            return False
        case Block() | Semantic():
            return any(map(syncs_in, item.items))


def result_spec(site: Site) -> TensorSpec | None:
    """Spec of the first tensor that the operation at *site* made."""
    outcomes = site.item.outcomes if isinstance(site.item, Work) else ()
    return next((outcome for outcome in outcomes if isinstance(outcome, TensorSpec)), None)


def _altered_kind(change: Altered) -> Kind:
    if isinstance(change.after.item, Given):
        return _given_kind(change.after.item)
    found = {field.kind for field in change.fields}
    if found == {"spelling"}:
        return "spelling"
    if change.after.beneath:
        return "backend"
    return "follow" if change.follows else _edit_kind(change, found)


def _edit_kind(change: Altered, found: AbstractSet[str]) -> Kind:
    is_kernel = packet_of(change.after.name) in ATTENTION and change.before.name == change.after.name
    if is_kernel or (change.after.name in ATTENTION_CALLS and not _is_rewired(change)):
        return "attention"
    return next(kind for kinds, kind in FIELDS if found & kinds)


def _is_rewired(change: Altered) -> bool:
    """Whether nothing differs but which values are read, which look as before: the call is as it was."""
    pairs = [(field.before, field.after) for field in change.fields if field.kind == "operand"]
    return len(pairs) == len(change.fields) and all(
        isinstance(before, Value)
        and isinstance(after, Value)
        and before.spec is not None
        and after.spec is not None
        and (before.spec.shape, before.spec.dtype) == (after.spec.shape, after.spec.dtype)
        for before, after in pairs
    )
