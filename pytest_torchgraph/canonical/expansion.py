"""From a canonical graph back to a recorded one: what a snapshot file still knows, operation by operation."""

from __future__ import annotations

from dataclasses import replace

from pytest_torchgraph.canonical.cursor import Cursor, module_path
from pytest_torchgraph.canonical.operands import operands_given
from pytest_torchgraph.canonical.paths import absolute
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Argument,
    Block,
    Given,
    Item,
    Operand,
    Outcome,
    PhaseBlock,
    Program,
    RecomputedCall,
    Result,
    Semantic,
    Work,
)
from pytest_torchgraph.canonical.reading import read
from pytest_torchgraph.canonical.unrolled_loops import scattered
from pytest_torchgraph.recorded.memory import Memory
from pytest_torchgraph.recorded.module import Scope
from pytest_torchgraph.recorded.operation import Argument as RecordedArgument
from pytest_torchgraph.recorded.operation import Call, Operation
from pytest_torchgraph.recorded.origin import UNKNOWN, Origin, Recorder
from pytest_torchgraph.recorded.phase import FORWARD, OPTIMIZER, Phase
from pytest_torchgraph.recorded.record import Record
from pytest_torchgraph.recorded.tensor import Role, Storage, StorageKind, TensorRef, TensorSpec


def expand(program: Program, recorder: Recorder | None = None) -> Record:
    """The record behind *program*, without what no snapshot holds: views, source lines, timeline, FLOPs.

    *recorder* is what recorded it, as far as that is known.
    """
    known = recorder or Recorder()
    run = program.run
    return Expansion(program).record(
        Origin(
            torch=known.torch,
            python=known.python,
            libraries=known.libraries,
            system=known.system,
            architecture=known.architecture,
            processor=known.processor,
            rank=known.rank,
            world_size=known.world_size,
            device=run.device or UNKNOWN,
            compiled=run.is_compiled,
            fake=run.is_fake,
            grad_mode=run.grad_mode or "no_grad",
            training=run.training or "none",
        )
    )


class Body(Cursor[TensorRef]):
    """The values of one body while it is expanded; ``around`` are the module calls around them, innermost first."""

    def __init__(self, path: str, scope: int, inputs: tuple[TensorRef, ...], leaves: dict[str, TensorRef]) -> None:
        super().__init__()
        self.path = path
        self.scope = scope
        self.inputs = inputs
        self.leaves = leaves
        self.call: int | None = None
        self.phase = ""
        self.recomputed = False
        self.made: list[tuple[TensorRef | None, ...]] = []
        self.around: tuple[str, ...] = (path,)

    def begun(self, block: AnyBlock, inputs: tuple[TensorRef, ...], scopes: int) -> Body:
        """The body of *block*, empty so far; the one of a phase belongs to the module call that it was begun in."""
        path = module_path(block, self.around)
        body = self.enter(type(block), block.name, block.call, Body(path, scopes, inputs, self.leaves))
        body.around = (path, *self.around)
        body.phase = block.name if isinstance(block, PhaseBlock) else self.phase
        body.recomputed = isinstance(block, RecomputedCall) or self.recomputed
        if body.phase and body.forward is not None:
            body.scope = body.forward.scope
        return body

    def called(self, call: Call, inputs: tuple[TensorRef, ...]) -> Body:
        """The body of an API call."""
        body = Body(self.path, self.scope, inputs, self.leaves)
        body.outer, body.forward, body.call, body.phase = self, None, call.index, self.phase
        body.around = self.around
        return body

    def input(self, index: int) -> TensorRef:
        """What the body takes as number *index*."""
        return self.inputs[index]

    def leaf(self, path: str) -> TensorRef:
        """The leaf *path*."""
        return self.leaves[absolute(path, self.around)]

    def result(self, result: Result) -> TensorRef:
        """What the item made or handed out."""
        made = self.made[result.item][result.position]
        assert made is not None
        return made


class Expansion:
    """Expands one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.operations: list[Operation] = []
        self.storages: list[Storage] = []
        self.scopes: list[Scope] = []
        self.calls: list[Call] = []
        self.leaves: dict[str, TensorRef] = {}
        self.inputs: list[tuple[str, TensorRef]] = []
        self.phases: list[Phase] = []

    def record(self, origin: Origin) -> Record:
        """The expanded record."""
        root = Body("", 0, (), self.leaves)
        self._block(scattered(self.program.root), root, None)
        metrics = dict(self.program.metrics)
        return Record(
            compilation=self.program.compilation,
            operations=tuple(self.operations),
            storages=tuple(self.storages),
            scopes=tuple(self.scopes),
            calls=tuple(self.calls),
            memory=Memory(
                resident=metrics.get("parameters", 0) + metrics.get("buffers", 0),
                peak=metrics.get("peak", 0),
                peak_operation=None,
                timeline=(),
                parameter_bytes=metrics.get("parameters", 0),
                buffer_bytes=metrics.get("buffers", 0),
                input_bytes=0,
                saved=metrics.get("saved"),
            ),
            origin=origin,
            inputs=tuple(self.inputs),
            phases=tuple(self.phases),
            outputs=tuple((path, self._operand(operand, root)) for path, operand in self.program.outputs),
        )

    def _block(self, block: AnyBlock, body: Body, parent: int | None) -> None:
        index, start = len(self.scopes), len(self.operations)
        if body.phase and body.forward is not None:
            self._items(block.items, body, dict(block.leaves))
            if isinstance(block, PhaseBlock):
                self.phases.append(Phase(block.name, (start, len(self.operations)), body.scope, block.class_name))
            return
        scope = Scope(
            index,
            parent,
            body.path,
            block.class_name,
            None,
            (start, start),
            recomputed=isinstance(block, RecomputedCall),
        )
        self.scopes.append(scope)
        self._items(block.items, body, dict(block.leaves))
        self.scopes[index] = replace(scope, operations=(start, len(self.operations)))

    def _items(self, items: tuple[Item, ...], body: Body, leaves: dict[str, TensorSpec]) -> None:
        for path, spec in leaves.items():
            self._leaf(absolute(path, body.around), spec)
        for item in items:
            body.made.append(self._item(item, body))

    def _item(self, item: Item, body: Body) -> tuple[TensorRef | None, ...]:
        if isinstance(item, Given):
            return (self._given(item),)
        if isinstance(item, Work):
            return self._work(item, body)
        inner = self._inner(item, body)
        body.hold(len(body.made), inner, item)
        if isinstance(item, Block):
            self._block(item, inner, body.scope)
        else:
            self._items(item.items, inner, {})
        return tuple(inner.made[result.item][result.position] for result in item.exports)

    def _inner(self, item: AnyBlock | Semantic, body: Body) -> Body:
        if isinstance(item, Block):
            inputs = tuple(self._operand(operand, body) for operand in item.inputs)
            return body.begun(item, inputs, len(self.scopes))
        call = Call(
            len(self.calls),
            item.name,
            self._arguments(item.arguments, body),
            tuple((name, self._argument(value, body)) for name, value in item.keywords),
            body.scope,
        )
        self.calls.append(call)
        return body.called(call, tuple(self._operand(operand, body) for operand in operands_given(item)))

    def _given(self, item: Given) -> TensorRef:
        kind: StorageKind = "input" if item.kind == "input" else "constant"
        made = self._store(kind, item.spec, item.name or None)
        if kind == "input":
            self.inputs.append((item.name, made))
        return made

    def _work(self, item: Work, body: Body) -> tuple[TensorRef | None, ...]:
        index = len(self.operations)
        made: list[TensorRef | None] = []
        results = tuple(self._outcome(outcome, body, index, made) for outcome in item.outcomes)
        for position, path in item.becomes:
            result = made[position]
            if result is not None:
                self._name(result, absolute(path, body.around), body)
        self.operations.append(
            Operation(
                index=index,
                name=item.name,
                arguments=self._arguments(item.arguments, body),
                keywords=tuple((name, self._argument(value, body)) for name, value in item.keywords),
                results=results,
                writes=(),
                scope=body.scope,
                phase=body.phase or FORWARD,
                recomputed=body.recomputed,
                is_sync=item.is_sync,
                call=body.call,
            )
        )
        return tuple(made)

    def _outcome(self, outcome: Outcome, body: Body, index: int, made: list[TensorRef | None]) -> RecordedArgument:
        if isinstance(outcome, tuple):
            return tuple(self._outcome(part, body, index, made) for part in outcome)
        if isinstance(outcome, TensorSpec):
            made.append(self._store("result", outcome, None, index))
            return made[-1]
        if isinstance(outcome, Operand):
            made.append(self._operand(outcome, body))
            return made[-1]
        made.append(None)
        return outcome

    def _arguments(self, values: tuple[Argument, ...], body: Body) -> tuple[RecordedArgument, ...]:
        return tuple(self._argument(value, body) for value in values)

    def _argument(self, value: Argument, body: Body) -> RecordedArgument:
        if isinstance(value, Operand):
            return self._operand(value, body)
        return self._arguments(value, body) if isinstance(value, tuple) else value

    def _operand(self, operand: Operand, body: Body) -> TensorRef:
        base = body.resolve(operand.reference)
        return base if operand.reading is None else replace(base, spec=read(base.spec, operand.reading))

    def _name(self, result: TensorRef, path: str, body: Body) -> None:
        """Let *result* be known as the leaf *path* from here on."""
        role: Role = "state" if body.phase == OPTIMIZER else "gradient"
        self.storages[result.storage] = replace(self.storages[result.storage], name=path, role=role)
        self.leaves[path] = result

    def _leaf(self, path: str, spec: TensorSpec) -> None:
        if path not in self.leaves:
            owner, _, key = path.rpartition(".")
            kind: StorageKind = "parameter"
            if owner in self.leaves:
                kind = "gradient" if key == "grad" else "state"
            self.leaves[path] = self._store(kind, spec, path)

    def _store(self, kind: StorageKind, spec: TensorSpec, name: str | None, producer: int | None = None) -> TensorRef:
        index = len(self.storages)
        self.storages.append(Storage(index, kind, None, spec, name, producer))
        return TensorRef(index, index, spec)
