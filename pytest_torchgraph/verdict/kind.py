"""Which kind of finding each change is: a table by the type of the change and the family of the operation."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    Called,
    Change,
    LeafChanged,
    LoopChanged,
    MetricChanged,
    Moved,
    OutputChanged,
    PeakMoved,
    Redeclared,
    Removed,
    Renamed,
    Replaced,
    RunChanged,
    Site,
)
from pytest_torchgraph.graph.metric import BYTE_METRICS
from pytest_torchgraph.graph.operation import packet_of
from pytest_torchgraph.graph.program import Block, Given, Semantic, Work
from pytest_torchgraph.graph.tally import ATTENTION_CALLS, ATTENTION_PACKETS, COPY_PACKETS
from pytest_torchgraph.graph.tensor import TensorSpec
from pytest_torchgraph.verdict.finding import Kind

SYNC_PACKETS = frozenset(
    {
        "aten._local_scalar_dense",
        "aten.is_nonzero",
        "aten.equal",
        "aten.nonzero",
        "aten.masked_select",
        "aten.unique_dim",
        "aten._unique2",
        "aten._unique",
        "aten.unique_consecutive",
    }
)
METRIC_KINDS: dict[str, Kind] = {"syncs": "sync", **dict.fromkeys(BYTE_METRICS, "memory")}
FAMILIES: tuple[tuple[frozenset[str], Kind], ...] = (
    (SYNC_PACKETS, "sync"),
    (COPY_PACKETS, "copy"),
    (ATTENTION_PACKETS, "attention"),
)
FIELDS: tuple[tuple[frozenset[str], Kind], ...] = (
    (frozenset({"name"}), "operation"),
    (frozenset({"dtype"}), "cast"),
    (frozenset({"argument", "operand", "leaf", "result"}), "argument"),
    (frozenset({"shape", "stride", "device", "layout", "geometry"}), "look"),
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


def _other_kind(change: Change) -> Kind:
    match change:
        case LeafChanged(path=path) if is_gradient(path):
            return "follow"
        case Called(bare=True):
            return "name"
        case _:
            return KINDS[type(change)]


def is_gradient(path: str) -> bool:
    """Whether *path* names the gradient of a parameter: what it looks like follows from how it is computed."""
    return path.endswith(".grad")


KINDS: Mapping[type[Change], Kind] = {
    Renamed: "name",
    Replaced: "name",
    Called: "scope",
    LoopChanged: "state",
    LeafChanged: "state",
    OutputChanged: "output",
    RunChanged: "run",
    PeakMoved: "bookkeeping",
    Redeclared: "bookkeeping",
}


def _item_kind(site: Site) -> Kind:
    match site.item:
        case Work(name=name):
            return _work_kind(site, packet_of(name))
        case Semantic(name=name):
            return "attention" if name in ATTENTION_CALLS else "operation"
        case Block():
            return "scope"
        case Given():
            return _given_kind(site.item)


def _given_kind(given: Given) -> Kind:
    """A constant is an argument that happens to be a tensor."""
    return "input" if given.kind == "input" else "argument"


def _work_kind(site: Site, packet: str) -> Kind:
    if packet == "aten._to_copy":
        return "cast" if casts(site) else "copy"
    return next((kind for packets, kind in FAMILIES if packet in packets), "operation")


def casts(site: Site) -> bool:
    """Whether the ``_to_copy`` at *site* changes the dtype; taken to when its operand is unknown."""
    made = result_spec(site)
    read = site.reads[0].spec if site.reads else None
    return made is None or read is None or made.dtype != read.dtype


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
    is_kernel = packet_of(change.after.name) in ATTENTION_PACKETS and change.before.name == change.after.name
    if is_kernel or change.after.name in ATTENTION_CALLS:
        return "attention"
    return next(kind for kinds, kind in FIELDS if found & kinds)
