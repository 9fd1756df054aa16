"""What a replay needs and a graph does not hold, kept while a run is recorded: first contents, random states, digests.

Everything happens in the dispatch handler, where the recorder's own mode is not active: nothing of it is recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from typing import Any

import torch
from torch import Tensor

from pytest_torchgraph.capture.capability import never_compiled
from pytest_torchgraph.capture.contents import bare, digest, holds_contents, reads_memory, whole_storage
from pytest_torchgraph.capture.operation import SEQUENCES, OperationMode, overload_of
from pytest_torchgraph.capture.outside import without_dispatch_modes
from pytest_torchgraph.capture.schema import Overload
from pytest_torchgraph.capture.tensor import Identity, Raw, Seen
from pytest_torchgraph.capture.wrapper import unwraps_itself
from pytest_torchgraph.quick import dataclass

ROOM = re.compile(r"aten\.(new_|_)?empty\w*")
"""Operations that return memory with whatever was in it."""
WORK_SPACE = {"aten.mkldnn_rnn_layer.default": (3,)}
"""Results that are a kernel's own work space, with gaps that it does not fill."""
COLLECTIVE = re.compile(r"_?c10d\w*|symm_mem|_dtensor")
NO_OBJECT = (bool, int, float, complex, str, torch.dtype, torch.layout, torch.memory_format, torch.device)


@dataclass(frozen=True, slots=True)
class GeneratorState:
    """A random generator as it was before an operation drew from it."""

    device: torch.device
    state: Tensor


@dataclass(slots=True)
class Witnessed:
    """What was seen of one operation besides its record.

    ``before`` and ``after`` are digests of its operands, ``results`` of what it returned; ``objects`` the arguments of
    which a record keeps the type alone, ``grad`` whether gradients were wanted: kernels allocate by it. ``random`` and
    ``devices`` are random states before it. ``left`` are contents of storages that a replay cannot make, as they were
    afterwards, ``given`` those of memory that a storage was given anew before; ``reason`` says why the operation is not
    replayed.
    """

    before: list[bytes | None] = field(default_factory=list)
    after: list[bytes | None] = field(default_factory=list)
    results: list[bytes | None] = field(default_factory=list)
    objects: list[Any] = field(default_factory=list)
    grad: bool = False
    random: Tensor | None = None
    devices: list[Tensor] | None = None
    left: dict[int, Tensor] = field(default_factory=dict)
    given: dict[int, Tensor] = field(default_factory=dict)
    left_values: dict[int, Tensor] = field(default_factory=dict)
    reason: str = ""


@dataclass(slots=True)
class Evidence:
    """What was seen of one run: each operation by position, and the first contents of what no operation made.

    ``ends`` are readings of what was still alive when the run ended, with their digests. ``rooms`` are storages that
    were taken uninitialised and not used yet; ``filled`` those that were then filled by no operation.
    """

    operations: dict[int, Witnessed] = field(default_factory=dict)
    storages: dict[int, Tensor] = field(default_factory=dict)
    values: dict[int, Tensor] = field(default_factory=dict)
    ends: dict[int, tuple[Raw, bytes]] = field(default_factory=dict)
    rooms: dict[int, bytes] = field(default_factory=dict)
    filled: set[int] = field(default_factory=set)

    def keep_first(self, tensor: Tensor, identity: Identity) -> None:
        """Copy what *tensor* reads, unless an operation of the run made it or it was copied before."""
        raw = identity.read(tensor)
        if not holds_contents(tensor):
            return
        if raw.storage in self.rooms:
            self.keep_room(tensor, raw.storage)
        elif identity.sights[raw.storage].kind == "result":
            return
        elif not reads_memory(tensor):
            if raw.value not in self.values:
                self.values[raw.value] = tensor.clone()
        elif raw.storage not in self.storages:
            self.storages[raw.storage] = whole_storage(tensor).clone()

    def keep_room(self, tensor: Tensor, index: int) -> None:
        """Copy what lies in memory that was taken uninitialised: whatever was in it, or what C++ or NumPy put there."""
        contents = whole_storage(tensor).clone()
        self.storages[index] = contents
        if digest(contents) != self.rooms.pop(index):
            self.filled.add(index)

    def keep_only(self, positions: list[int]) -> None:
        """Forget the operations at other *positions*, and number the rest anew."""
        found = self.operations
        self.operations = {new: found[old] for new, old in enumerate(positions) if old in found}

    def keep_ends(self, identity: Identity) -> None:
        """Note the contents of every tensor that is alive."""
        with without_dispatch_modes():
            for seen in list(identity.seen.values()):
                tensor = seen()
                found = None if tensor is None else digest_as(seen, tensor)
                if tensor is not None and found is not None:
                    self.ends[seen.raw.value] = (seen.raw, found)
                    if seen.raw.storage in self.rooms:
                        self.keep_room(tensor, seen.raw.storage)


def digest_as(seen: Seen, tensor: Tensor) -> bytes | None:
    """The digest of *tensor*; ``None`` where it has none, or reads other memory than when it was seen."""
    if seen.raw.stride is None or not (holds_contents(tensor) and reads_memory(tensor)):
        return None
    same = tensor.shape == seen.raw.shape and tensor.untyped_storage()._cdata == seen.storage_key
    return digest(tensor) if same else None


class Witness(OperationMode):
    """Records as *mode* does, and keeps the evidence for a replay."""

    def __init__(self, mode: OperationMode, evidence: Evidence) -> None:
        super().__init__(mode.identity, mode.where, mode.guard, mode.phases)
        self.mode = mode
        self.evidence = evidence

    @never_compiled
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        overload = overload_of(func)
        if overload.ignored or (types and any(map(unwraps_itself, types))):
            return self.mode.__torch_dispatch__(func, types, args, kwargs)
        given = (*args, *(value for _, value in sorted((kwargs or {}).items())))
        operands = list(tensors_in(given))
        with without_dispatch_modes():
            seen = self.before(overload, given, operands)
            readings = [bare(one) if holds_contents(one) and reads_memory(one) else one for one in operands]
        out = self.mode.__torch_dispatch__(func, types, args, kwargs)
        with without_dispatch_modes():
            self.note(overload, seen, operands, readings, out)
        self.evidence.operations[self.position(func)] = seen
        return out

    def note(
        self, overload: Overload, seen: Witnessed, operands: list[Tensor], readings: list[Tensor], out: Any
    ) -> None:
        """What there is to see after the operation has run."""
        seen.after = seen.before if overload.moves_metadata else [digest(one) for one in readings]
        seen.results = [digest(one) if isinstance(one, Tensor) else repr(one).encode() for one in flat(out)]
        if seen.reason:
            self.keep_left(seen, [*operands, *tensors_in((out,))])
        elif overload.name.startswith("aten.resize"):
            self.keep_left(seen, list(tensors_in((out,))))
        else:
            self.note_rooms(overload, seen, list(tensors_in((out,))))

    def before(self, overload: Overload, given: tuple[Any, ...], operands: list[Tensor]) -> Witnessed:
        """What there is to see before the operation runs."""
        seen = Witnessed(grad=torch.is_grad_enabled(), reason=reason_against(overload, operands, given))
        for tensor in operands:
            self.evidence.keep_first(tensor, self.identity)
            self.keep_given(seen, tensor)
            seen.before.append(digest(tensor))
        seen.objects = [kept(one) for one in objects_in(given)]
        # An operation of another library need not say that it draws.
        if not overload.name.startswith("aten.") or torch.Tag.nondeterministic_seeded in overload.target.tags:
            seen.random = torch.get_rng_state()
            seen.devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
        return seen

    def keep_given(self, seen: Witnessed, tensor: Tensor) -> None:
        """Copy what lies in memory that the storage of *tensor* was given anew, without an operation."""
        index = self.identity.read(tensor)[1]
        if index in self.identity.regrown and holds_contents(tensor) and reads_memory(tensor):
            seen.given[index] = whole_storage(tensor).clone()
            self.identity.regrown.discard(index)

    def note_rooms(self, overload: Overload, seen: Witnessed, results: list[Tensor]) -> None:
        """Remember results that hold whatever was in their memory before: all, or the work space of a kernel."""
        if ROOM.fullmatch(overload.name.rpartition(".")[0]):
            for place, tensor in enumerate(results):
                if holds_contents(tensor) and reads_memory(tensor):
                    seen.results[place] = None
                    self.evidence.rooms[self.identity.read(tensor)[1]] = digest(whole_storage(tensor)) or b""
        for place in WORK_SPACE.get(overload.name, ()):
            if place < len(results):
                seen.results[place] = None
                self.keep_left(seen, results[place : place + 1])

    def keep_left(self, seen: Witnessed, tensors: list[Tensor]) -> None:
        """Copy what the operation left behind."""
        for tensor in tensors:
            raw = self.identity.read(tensor)
            if holds_contents(tensor) and reads_memory(tensor):
                seen.left[raw.storage] = whole_storage(tensor).clone()
            elif holds_contents(tensor) and seen.reason:
                seen.left_values[raw.value] = tensor.clone()

    def position(self, func: Any) -> int:
        """Where the operation that just ran stands in the log; other threads may have written behind it."""
        log = self.mode.log
        places = range(len(log) - 1, -1, -1)
        return next(one for one in places if log[one][0].target is func and one not in self.evidence.operations)


def reason_against(overload: Overload, operands: list[Tensor], given: tuple[Any, ...]) -> str:
    """Why an operation cannot be replayed; empty for one that can."""
    namespace = overload.name.partition(".")[0]
    if namespace == "higher_order":
        return "what a higher-order operator runs is not recorded"
    if COLLECTIVE.fullmatch(namespace):
        return "a collective needs the other ranks"
    if not all(map(holds_contents, operands)):
        return "its tensors have no contents"
    if any(isinstance(one, (torch.UntypedStorage, torch.storage.TypedStorage)) for one in objects_in(given)):
        return "it takes a storage by itself"
    return ""


def tensors_in(values: Any) -> Iterator[Tensor]:
    """Every tensor among *values*, nested sequences included, in order."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, SEQUENCES):
            yield from tensors_in(value)
        elif type(value) is dict:
            yield from tensors_in(value.values())


def objects_in(values: Any) -> Iterator[Any]:
    """Every argument among *values* of which a record keeps the type alone, in order."""
    for value in values:
        if isinstance(value, SEQUENCES):
            yield from objects_in(value)
        elif value is not None and not isinstance(value, (Tensor, *NO_OBJECT)):
            yield value


def kept(value: Any) -> Any:
    """*value*, or the state of a generator: drawing from it changes it."""
    return GeneratorState(value.device, value.get_state()) if isinstance(value, torch.Generator) else value


def flat(value: Any) -> Iterator[Any]:
    """What an operation returned, nested results one by one; ``None`` stands for itself."""
    if isinstance(value, SEQUENCES):
        for part in value:
            yield from flat(part)
    elif type(value) is dict:
        yield from flat(tuple(value.values()))
    else:
        yield value
