"""From the log of a run to the frozen graph: names, lines, costs and bytes are worked out here, after the run."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

import torch

from pytest_torchgraph.capture.asking import frames_of
from pytest_torchgraph.capture.attribution import COMPILED, Followed, Link, Linking, phases_of
from pytest_torchgraph.capture.call import OpenCall
from pytest_torchgraph.capture.draining import drained
from pytest_torchgraph.capture.effect import effect_of, operands_of, readings_in, reads_on_host
from pytest_torchgraph.capture.memory import memory_of
from pytest_torchgraph.capture.module import OpenScope
from pytest_torchgraph.capture.node import NodeKey, SeenNode
from pytest_torchgraph.capture.operation import Entry, named_entries
from pytest_torchgraph.capture.packed import Weights
from pytest_torchgraph.capture.processor import capability
from pytest_torchgraph.capture.provenance import Provenance, in_a_module
from pytest_torchgraph.capture.source import Frame, source_line
from pytest_torchgraph.capture.tensor import FirstSight, Identity, Raw
from pytest_torchgraph.catalog.vocabulary import operation_names
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.autograd import AutogradNode, Edge
from pytest_torchgraph.recorded.module import Scope
from pytest_torchgraph.recorded.operation import Argument, Call, Group, Opaque, Operation, SourceLine, Word
from pytest_torchgraph.recorded.origin import GradMode, Origin, Training
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.recorded.record import Record
from pytest_torchgraph.recorded.tensor import Geometry, Storage, TensorRef, TensorSpec

if TYPE_CHECKING:
    from pytest_torchgraph.capture.cost import Cost

PLAIN = frozenset({type(None), bool, int, float, complex, str})
CONSTANTS = (torch.dtype, torch.layout, torch.memory_format)


@dataclass(frozen=True)
class Run:
    """All that a finished run left behind; ``hollow`` are storages that hold no bytes.

    ``rows`` are the operations, each with its parts in the order of :class:`Entry`: a run that was seen before needs no
    names for them.
    """

    rows: list[tuple[Any, ...]]
    identity: Identity
    scopes: list[OpenScope]
    calls: list[OpenCall]
    resident: int
    inputs: tuple[tuple[str, Raw], ...]
    outputs: tuple[tuple[str, Raw], ...]
    grad_mode: GradMode
    inference_mode: bool
    training: Training
    followed: Followed
    libraries: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    kept: frozenset[int] | None = None
    hollow: frozenset[int] = frozenset()
    compiled: bool = False
    fake: bool = False
    weights: Weights | None = None
    root_is_module: bool = False
    rank: int = 0
    world_size: int = 1

    @cached_property
    def log(self) -> list[Entry]:
        """The operations."""
        return named_entries(self.rows)


class Records:
    """Turns what a run left behind into records: each distinct spec, line and reading is made once."""

    def __init__(self, weights: Weights | None = None) -> None:
        self._specs: dict[Any, TensorSpec] = {}
        self._references: dict[int, TensorRef] = {}
        self._lines: dict[tuple[int, int], SourceLine | None] = {}
        self._costs: dict[int, Cost] = {}
        self._weights = {} if weights is None else weights.known

    def spec(self, raw: Raw) -> TensorSpec:
        """The spec of one reading."""
        view = raw[2]
        spec = self._specs.get(view)
        if spec is None:
            shape, stride, offset, dtype, device, layout, conj, neg = view
            shape = tuple(map(whole_number, shape))
            geometry = None if stride is None else Geometry(shape, tuple(map(int, stride)), int(offset))
            spec = self._specs[view] = TensorSpec(
                dtype=str(dtype).removeprefix("torch."),
                shape=shape,
                geometry=geometry,
                device=str(device),
                layout=str(layout).removeprefix("torch."),
                conj=conj,
                neg=neg,
            )
        return spec

    def flops(self, entry: Entry, results: Any) -> int | None:
        """FLOPs of one operation."""
        overload = entry.overload
        cost = self._costs.get(id(overload))
        if cost is None:
            from pytest_torchgraph.capture.cost import cost_of

            cost = self._costs[id(overload)] = cost_of(overload.name, overload.target)
        return cost.constant if cost.formula is None else cost.of(entry.arguments, entry.keywords or {}, results)

    def reference(self, raw: Raw) -> TensorRef:
        """The reference of one reading; all readings were made before any record, so an ``id`` stays its own."""
        found = self._references.get(id(raw))
        if found is None:
            found = self._references[id(raw)] = TensorRef(raw[0], raw[1], self.spec(raw))
        return found

    def source(self, frame: Frame) -> SourceLine | None:
        """The record of where an operation was asked for."""
        if frame is None or isinstance(frame, SourceLine):
            return frame
        key = (id(frame[0]), frame[1])
        if key not in self._lines:
            self._lines[key] = source_line(frame)
        return self._lines[key]

    def argument(self, value: Any) -> Argument:
        """The record of one argument."""
        kind = type(value)
        if kind is Raw:
            return self.reference(value)
        if kind in PLAIN:
            return value  # type: ignore[no-any-return]
        if isinstance(value, (list, tuple)):
            return self.arguments(value)
        if value is None or isinstance(value, (bool, int, float, complex, str, Group)):
            return value
        packed = self._weights.get(id(value))
        return plain_word(value) if packed is None else packed.record

    def arguments(self, values: Any) -> tuple[Argument, ...]:
        """The records of several arguments."""
        return tuple([self.argument(value) for value in values])


def whole_number(size: Any) -> int:
    """A size as a number; ``-1`` for the ragged dimension of a nested tensor, which is only a symbol."""
    try:
        return int(size)
    except (AttributeError, RuntimeError):
        return -1


def plain_word(value: Any) -> Argument:
    """A dtype, layout or memory format as a word, a device as text, anything else by its type alone."""
    if isinstance(value, CONSTANTS):
        return Word(str(value))
    return str(value) if isinstance(value, torch.device) else Opaque(type(value).__name__)


def fx_module(record: Record, model: Any) -> Any:
    """:func:`pytest_torchgraph.capture.fx.to_fx`, which is loaded when it is asked for."""
    from pytest_torchgraph.capture.fx import to_fx

    return to_fx(record, model)


def freeze(run: Run, *, lets_go: bool = False) -> Graph:
    """The graph of a finished run.

    With *lets_go* nobody needs the log any more: each entry is let go of when its record is made, and none is left.
    """
    records = Records(run.weights)
    linking = Linking(run.log, run.scopes, run.followed)
    links = linking.link()
    positions = {key: index for index, key in enumerate(run.followed.nodes)}
    saved = saved_storages(run, links, positions)
    memory = memory_of(run.log, links, run.identity, chain(*saved.values()), run.kept, run.resident)
    phases, storages = phases_of(run.log, links, run.scopes, run.followed), storages_of(run, records)
    nodes, scopes = nodes_of(run, linking, positions, saved), scopes_of(run, linking)
    syncs = syncs_of(run, links)
    frames = frames_of(run.log, links, run.followed.stretches)
    del linking, saved
    told = zip(drained(run.log) if lets_go else run.log, links, frames, strict=True)
    operations = tuple(
        operation_of(index, entry, link, positions, records, syncs, frame)
        for index, (entry, link, frame) in enumerate(told)
    )
    return Graph(
        operations=operations,
        storages=storages,
        scopes=scopes,
        calls=tuple(call_of(index, call, records) for index, call in enumerate(run.calls)),
        memory=memory,
        phases=phases,
        nodes=nodes,
        origin=origin_of(run),
        inputs=tuple((path, records.reference(raw)) for path, raw in run.inputs),
        outputs=tuple((path, records.reference(raw)) for path, raw in run.outputs),
        notes=run.notes,
        vocabulary=operation_names,
        fx_builder=fx_module,
    )


def scopes_of(run: Run, linking: Linking) -> tuple[Scope, ...]:
    """The records of all module calls."""
    return tuple(
        Scope(
            index,
            linking.parents.get(index, scope.parent),
            scope.path,
            scope.class_name,
            scope.training,
            (scope.start, scope.end),
            recomputed=index in linking.originals,
        )
        for index, scope in enumerate(run.scopes)
    )


def syncs_of(run: Run, links: list[Link]) -> frozenset[int]:
    """Which operations make the host wait: those that read on the host what does not lie there anyway."""
    waiting = [index for index, entry in enumerate(run.log) if reads_on_host(entry)]
    root = run.root_is_module
    if all(in_a_module(run.log[index], links[index], root=root) for index in waiting):
        return frozenset(waiting)  # what a module reads derives from what lies on the device
    provenance = Provenance(run.log, links, run.identity.sights, waiting, root=root)
    return frozenset(waiting) - provenance.on_host


def operation_of(
    index: int,
    entry: Entry,
    link: Link,
    positions: dict[NodeKey, int],
    records: Records,
    syncs: frozenset[int],
    frame: Frame,
) -> Operation:
    """The record of one log entry; *frame* is the line that it is told with."""
    keywords, running = entry.keywords, entry.running
    results = results_in(entry)
    effect = effect_of(entry)
    return Operation(
        index=index,
        name=entry.overload.name,
        arguments=records.arguments(entry.arguments),
        keywords=tuple([(name, records.argument(keywords[name])) for name in sorted(keywords)]) if keywords else (),
        results=records.arguments(results),
        writes=effect.writes,
        scope=link.scope,
        phase=link.phase,
        forward=link.forward,
        node=None if link.node is None else positions.get(link.node),
        recomputed=link.recomputed,
        sums_gradients=link.sums_gradients,
        is_view=effect.is_view,
        is_sync=index in syncs,
        flops=records.flops(entry, results or (None,)),
        call=entry.call,
        source=records.source(frame),
        graph=running.inside.graph if running is not None and running.inside is not None else None,
    )


def results_in(entry: Entry) -> tuple[Any, ...]:
    """What an operation returned; nothing where that is ``None``."""
    results = entry.results
    if type(results) is Raw:
        return (results,)
    if results is None or results == (None,):
        return ()
    return results if isinstance(results, tuple) else (results,)


def storages_of(run: Run, records: Records) -> tuple[Storage, ...]:
    """The records of all storages."""
    producers = producers_of(run)
    return tuple(
        storage_of(index, sight, producers.get(index), records) for index, sight in enumerate(run.identity.sights)
    )


def producers_of(run: Run) -> dict[int, int]:
    """The operation that made each storage."""
    producers: dict[int, int] = {}
    sights = run.identity.sights
    for index, entry in enumerate(run.log):
        results = entry.results
        for raw in (results,) if type(results) is Raw else readings_in(results):
            if sights[raw.storage].kind == "result":
                producers.setdefault(raw.storage, index)
    return producers


def storage_of(index: int, sight: FirstSight, producer: int | None, records: Records) -> Storage:
    """The record of one storage."""
    assert sight.raw is not None
    return Storage(index, sight.kind, sight.bytes, records.spec(sight.raw), sight.name, producer, sight.role)


def nodes_of(
    run: Run, linking: Linking, positions: dict[NodeKey, int], saved: dict[int, list[int]]
) -> tuple[AutogradNode, ...]:
    """The records of the autograd graph."""
    return tuple(
        node_of(index, node, linking, positions, tuple(saved.get(index, ())))
        for index, node in enumerate(run.followed.nodes.values())
    )


def node_of(
    index: int, node: SeenNode, linking: Linking, positions: dict[NodeKey, int], saved: tuple[int, ...]
) -> AutogradNode:
    """The record of one node."""
    edges = tuple(Edge(positions[edge[0]], edge[1]) if edge else None for edge in node.edges)
    name = node.name.rpartition("::")[2]
    parameter = node.key if isinstance(node.key, str) else None
    forward = linking.forward_of(node.key)
    return AutogradNode(index=index, name=name, forward=forward, parameter=parameter, edges=edges, saved=saved)


def saved_storages(run: Run, links: list[Link], positions: dict[NodeKey, int]) -> dict[int, list[int]]:
    """For each node, the storages that its operations read and that were there before its backward pass began.

    Of a custom function, also those that it holds and does not read.
    """
    if not positions:
        return {}
    saved = storages_read_by_nodes(run, links, positions)
    for index, node in enumerate(run.followed.nodes.values()):
        if node.held and node.name != COMPILED:
            known = saved.get(index, [])
            saved[index] = [*known, *(one for one in node.held if one not in known)]
    return saved


def storages_read_by_nodes(run: Run, links: list[Link], positions: dict[NodeKey, int]) -> dict[int, list[int]]:
    """For each node, what its operations read that was there before its backward pass began."""
    made_at = {
        raw.storage: index for index, entry in reversed(list(enumerate(run.log))) for raw in readings_in(entry.results)
    }
    saved: dict[int, list[int]] = {}
    for entry, link in zip(run.log, links, strict=True):
        node = None if link.node is None else positions.get(link.node)
        if node is None or link.sums_gradients or link.recomputed:
            continue
        for raw in operands_of(entry):
            maker = made_at.get(raw.storage)
            phase = FORWARD if maker is None else links[maker].phase
            is_kept = phase == FORWARD or (maker is not None and links[maker].recomputed)
            if is_kept and run.identity.sights[raw.storage].role != "gradient":
                kept = saved.setdefault(node, [])
                if raw.storage not in kept:
                    kept.append(raw.storage)
    return saved


def call_of(index: int, call: OpenCall, records: Records) -> Call:
    """The record of one API call."""
    return Call(
        index=index,
        name=call.name,
        arguments=records.arguments(call.arguments),
        keywords=tuple((name, records.argument(value)) for name, value in call.keywords.items()),
        scope=call.scope,
        source=records.source(call.frame),
    )


def device_types(run: Run) -> set[str]:
    """The types of the devices that hold bytes."""
    if not run.hollow:
        return {device.type for device in run.identity.devices}
    raws = (sight.raw for index, sight in enumerate(run.identity.sights) if index not in run.hollow)
    return {raw.device.type for raw in raws if raw is not None}


def origin_of(run: Run) -> Origin:
    """Versions and machine of this process, and the modes of the run."""
    return Origin(
        torch=str(torch.__version__).partition("+")[0],
        python=platform.python_version(),
        libraries=run.libraries,
        system=platform.system().lower(),
        architecture=platform.machine().lower(),
        processor=capability(),
        device="+".join(sorted(device_types(run) - {"cpu"})) or "cpu",
        grad_mode=run.grad_mode,
        training=run.training,
        inference_mode=run.inference_mode,
        compiled=run.compiled,
        fake=run.fake,
        rank=run.rank,
        world_size=run.world_size,
        mkldnn=bool(torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled),
    )
