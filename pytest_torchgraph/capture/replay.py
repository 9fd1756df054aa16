"""Proof of a record: every operation is run again, from the record alone, and must make the same bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, NoReturn

import torch
from torch import Tensor

from pytest_torchgraph.capture.ambient import random_undo
from pytest_torchgraph.capture.contents import bare, digest, reads_memory
from pytest_torchgraph.capture.outside import without_dispatch_modes
from pytest_torchgraph.capture.progress import progress
from pytest_torchgraph.capture.rebuilding import target_of, tensor_of, value_of
from pytest_torchgraph.capture.witness import Evidence, Witnessed, flat
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.note import Told
from pytest_torchgraph.recorded.operation import Operation, tensors_in
from pytest_torchgraph.recorded.tensor import TensorRef, TensorSpec
from pytest_torchgraph.words.counting import times


class VerificationFailed(AssertionError):
    """A record does not compute what ran; the message names the first operation that shows it."""


def replay(graph: Graph, evidence: Evidence) -> tuple[str, ...]:
    """Run the operations of *graph* again and return what is to be said: how many were, and which could not be.

    Begins with the first contents and random states in *evidence*; each operand and result must then have the bits it
    had while recording, and so must at the end every tensor that was still alive: outputs, parameters, buffers,
    gradients, optimizer state. Raises :class:`VerificationFailed` where it has others, and where an operation changed
    an operand that it does not declare to write.
    """
    again = Replay(graph, evidence)
    with progress(again.progress), replaying():
        return again.run()


@contextmanager
def replaying() -> Iterator[None]:
    """Run operations with nothing watching, and put random states back."""
    undo = random_undo()
    with ExitStack() as stack:
        stack.callback(undo)
        stack.enter_context(without_dispatch_modes())
        stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(torch.no_grad())
        yield


def below_autograd(readings: list[Tensor]) -> AbstractContextManager[Any]:
    """What runs an operation as the dispatcher does below autograd.

    Operations of sparse tensors are kept above it: ``_sparse_softmax`` and ``empty_like`` return no elements below.
    """
    is_sparse = any(reading.layout is not torch.strided for reading in readings)
    return nullcontext() if is_sparse else torch._C._AutoDispatchBelowAutograd()


class Replay:
    """One replay; holds the storages that later operations still read."""

    def __init__(self, graph: Graph, evidence: Evidence) -> None:
        self.graph = graph
        self.evidence = evidence
        self.storages: dict[int, torch.UntypedStorage] = {}
        self.indices: dict[int, int] = {}
        self.values: dict[int, Tensor] = {}
        self.skipped: Counter[str] = Counter()
        self.gaps: Counter[str] = Counter()
        self.last = last_uses(graph, evidence)
        self.done = 0

    def progress(self) -> tuple[int, str]:
        """Operations so far, and the module of the last one; asked from any thread."""
        now = self.graph.operations[self.done : self.done + 1]
        return self.done, self.graph.scopes[now[0].scope].path if now else ""

    def run(self) -> tuple[str, ...]:
        """Replay all operations and compare what is left."""
        for operation in self.graph.operations:
            self.step(operation, self.evidence.operations.get(operation.index, UNSEEN))
            self.release(operation)
            self.done += 1
        self.compare_ends()
        done = len(self.graph.operations) - sum(self.skipped.values())
        return (
            f"verified: {times(done, 'operation')} replayed with the same bits",
            *(Told(f"{NOT_REPLAYED}{what}{often(count)}") for what, count in self.skipped.items()),
            *(Told(f"{NOT_RECORDED}{what}{often(count)}") for what, count in self.gaps.items()),
        )

    def step(self, operation: Operation, seen: Witnessed) -> None:
        """Replay one operation, or take in what it left behind."""
        operands = all_operands(operation)
        self.put(seen.given)
        self.require_declared(operation, seen, operands)
        if seen.reason:
            self.skipped[f"{operation.name}: {seen.reason}"] += 1
            self.take_left(seen)
            return
        readings = self.readings(operation, operands)
        self.compare(operation, operands, readings, seen.before, "reads")
        places = [bare(one) if reads_memory(one) else one for one in readings]
        results = self.execute(operation, seen, readings)
        made = list(references_in(operation.results))
        for reference, result in zip(made, results, strict=False):
            if reference is not None:
                self.bind(operation, reference, result)
        self.fill_rooms(operation, made)
        self.take_left(seen)
        self.compare(operation, made, results, seen.results, "returns")
        written = [reference if reference.storage in operation.writes else None for reference in operands]
        self.compare(operation, written, places, seen.after, "writes")

    def require_declared(self, operation: Operation, seen: Witnessed, operands: list[TensorRef]) -> None:
        """Raise where the recorded run changed what the operation does not declare to write."""
        for place, (reference, before, after) in enumerate(zip(operands, seen.before, seen.after, strict=False)):
            if before != after and reference.storage not in operation.writes:
                self.fail(
                    operation, f"it changed operand {place} ({reference.spec.text}), which its schema calls unwritten"
                )

    def execute(self, operation: Operation, seen: Witnessed, readings: list[Tensor]) -> list[Any]:
        """What the operation returns this time."""
        given, objects = iter(readings), iter(seen.objects)
        arguments = [value_of(argument, given, objects) for argument in operation.arguments]
        keywords = {name: value_of(argument, given, objects) for name, argument in operation.keywords}
        if seen.random is not None:
            torch.set_rng_state(seen.random)
        if seen.devices is not None:
            torch.cuda.set_rng_state_all(seen.devices)
        try:
            with torch.set_grad_enabled(seen.grad), below_autograd(readings):
                return list(flat(target_of(operation)(*arguments, **keywords)))
        except Exception as error:  # noqa: BLE001 -- an operation may raise anything
            self.fail(operation, f"it does not run again: {type(error).__name__}: {error}")

    def readings(self, operation: Operation, references: list[TensorRef]) -> list[Tensor]:
        """The tensors that *references* stand for; one that is given twice is one object, as kernels may ask."""
        found: dict[tuple[int, TensorSpec], Tensor] = {}
        for reference in references:
            key = (reference.value, reference.spec)
            if key not in found:
                found[key] = self.reading(operation, reference)
        return [found[reference.value, reference.spec] for reference in references]

    def reading(self, operation: Operation, reference: TensorRef) -> Tensor:
        """The tensor that *reference* stands for."""
        if reference.value in self.values:
            return self.values[reference.value]
        if reference.value in self.evidence.values:
            self.values[reference.value] = self.evidence.values[reference.value].clone()
            return self.values[reference.value]
        storage = self.storages.get(reference.storage)
        if storage is None:
            first = self.evidence.storages.get(reference.storage)
            if first is None or reference.spec.geometry is None:
                self.fail(operation, f"it reads {self.named(reference)}, which no operation before it made")
            storage = self.know(reference.storage, first.clone().untyped_storage())
        try:
            return tensor_of(storage, reference.spec)
        except RuntimeError as error:
            self.fail(operation, f"it reads {self.named(reference)} beyond its memory: {error}")

    def bind(self, operation: Operation, reference: TensorRef, result: Any) -> None:
        """Take in where a result lies, which must be where the record says."""
        if not isinstance(result, Tensor):
            self.fail(operation, f"it returns no tensor where the record has {reference.spec.text}")
        if not reads_memory(result):
            self.values[reference.value] = result
            return
        storage = result.untyped_storage()
        held, shares = self.storages.get(reference.storage), self.indices.get(storage._cdata)
        if shares != (None if held is None else reference.storage):
            where = "memory of its own" if shares is None else f"the memory of storage {shares}"
            self.fail(
                operation, f"its result {reference.spec.text} lies in {where}, not in storage {reference.storage}"
            )
        geometry = reference.spec.geometry
        if geometry is not None and (tuple(result.shape), result.stride()) != (geometry.shape, geometry.stride):
            self.fail(operation, f"its result has geometry {tuple(result.shape)}, {result.stride()}, not {geometry}")
        if held is None:
            self.know(reference.storage, storage)

    def know(self, index: int, storage: torch.UntypedStorage) -> torch.UntypedStorage:
        """Note that *storage* is the one that the record calls *index*."""
        self.storages[index] = storage
        self.indices[storage._cdata] = index
        return storage

    def fill_rooms(self, operation: Operation, made: list[TensorRef | None]) -> None:
        """Put into uninitialised memory what lay there when it was first used."""
        for reference in made:
            contents = None if reference is None else self.evidence.storages.get(reference.storage)
            if reference is None or contents is None or self.graph.storages[reference.storage].kind != "result":
                continue
            if self.graph.storages[reference.storage].producer == operation.index:
                self.take_left(Witnessed(left={reference.storage: contents}))
                if reference.storage in self.evidence.filled:
                    self.gaps[f"what filled the memory of {operation.name} (C++ or NumPy)"] += 1

    def take_left(self, seen: Witnessed) -> None:
        """Put in place the contents that no replay can make."""
        self.put(seen.left)
        self.values.update({value: contents.clone() for value, contents in seen.left_values.items()})

    def put(self, found: dict[int, Tensor]) -> None:
        """Put *found* contents into the storages that it names."""
        for index, contents in found.items():
            storage = self.storages.get(index)
            if storage is None or storage.nbytes() != contents.numel():
                self.know(index, contents.clone().untyped_storage())
            else:
                torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage).copy_(contents)

    def compare(
        self, operation: Operation, references: list[Any], tensors: list[Any], before: list[bytes | None], does: str
    ) -> None:
        """Raise for the first of *tensors* whose bits are not those of the recorded run."""
        for place, (reference, tensor, bits) in enumerate(zip(references, tensors, before, strict=False)):
            if isinstance(tensor, Tensor):
                same = reference is None or bits is None or digest(tensor) == bits
            else:
                same = bits is None or does != "returns" or repr(tensor).encode() == bits
            if not same:
                self.fail(operation, WRONG[does].format(place=place, what=self.named(reference)))

    def compare_ends(self) -> None:
        """Raise for what ends with other bits than in the recorded run."""
        for raw, bits in self.evidence.ends.values():
            record = self.graph.storages[raw.storage]
            first = self.evidence.storages.get(raw.storage)
            storage = self.storages.get(raw.storage, None if first is None else first.untyped_storage())
            if storage is None and record.kind != "result":
                continue  # no operation ever used it
            name = f"{record.role or record.kind} {record.name or record.spec.text}"
            if storage is None:
                raise VerificationFailed(f"{SUMMARY}: {name} is made by no operation of the record")
            found = torch.empty(0, dtype=raw.dtype, device=raw.device).set_(storage, raw.offset, raw.shape, raw.stride)
            if digest(found) != bits:
                raise VerificationFailed(
                    f"{SUMMARY}: {name} ends with other bits than in the run\n"
                    "  What wrote it is no operation of the record."
                )

    def release(self, operation: Operation) -> None:
        """Let go of storages and values that nothing reads any more."""
        for reference in (*all_operands(operation), *tensors_in(operation.results)):
            if self.last[reference.storage] == operation.index:
                storage = self.storages.pop(reference.storage, None)
                self.values.pop(reference.value, None)
                if storage is not None:
                    self.indices.pop(storage._cdata, None)

    def named(self, reference: TensorRef | None) -> str:
        """A tensor as the reader knows it."""
        if reference is None:
            return "a number"
        name = self.graph.storages[reference.storage].name
        return f"{name} {reference.spec.text}" if name else reference.spec.text

    def fail(self, operation: Operation, what: str) -> NoReturn:
        """Raise with the operation, its module and its line."""
        scope = self.graph.scopes[operation.scope]
        place = f"{scope.path} ({scope.class_name})" if scope.path else scope.class_name
        line = f", {operation.source.file}:{operation.source.line}" if operation.source else ""
        which = f"{operation.name}, operation {operation.index} ({operation.phase})"
        raise VerificationFailed(f"{SUMMARY}\n  {which} in {place}{line}:\n  {what}")


SUMMARY = "the record does not compute what ran"
NOT_REPLAYED, NOT_RECORDED = "not replayed: ", "not recorded: "
WRONG = {
    "reads": "operand {place} ({what}) has other bits than while recording: it is another tensor, or what wrote it is "
    "no operation of the record",
    "returns": "result {place} ({what}) has other bits than while recording",
    "writes": "operand {place} ({what}), which it writes, has other bits afterwards than while recording",
}
UNSEEN = Witnessed(reason="nothing was kept of it")


def often(count: int) -> str:
    """How often, where more than once."""
    return f" ×{count}" if count > 1 else ""


def last_uses(graph: Graph, evidence: Evidence) -> dict[int, int]:
    """The last operation that names each storage; none for what is compared at the end."""
    uses: dict[int, int] = {}
    for operation in graph.operations:
        for reference in (*all_operands(operation), *tensors_in(operation.results)):
            uses[reference.storage] = operation.index
    return uses | {raw.storage: -1 for raw, _ in evidence.ends.values()}


def all_operands(operation: Operation) -> list[TensorRef]:
    """Every tensor argument, keywords last, in the order in which evidence is kept."""
    return tensors_in((*operation.arguments, *(value for _, value in operation.keywords)))


def references_in(results: Any) -> Iterator[TensorRef | None]:
    """Every result in order; ``None`` for one that is no tensor."""
    for result in results:
        if isinstance(result, tuple):
            yield from references_in(result)
        else:
            yield result if isinstance(result, TensorRef) else None
