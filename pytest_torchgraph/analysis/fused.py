"""What the peak would be had attention run fused: an estimate, where the CPU computed it by separate operations.

PyTorch's CPU has one fused kernel, and takes separate operations (the math path) for dropout and for a mask that
requires grad; CUDA has fused kernels for both. A fused kernel keeps, of an attention call with query ``[..., L, E]``,

- the output and one float32 number for each row, ``logsumexp`` of ``[..., L]`` (float64 for float64 inputs),
- for the backward pass also query, key, value and mask as they were passed,

and none of the ``L x S`` values in between: FlashAttention (Dao et al. 2022, arXiv:2205.14135, section 3.1 and
algorithm 1; FlashAttention-2, arXiv:2307.08691, section 3.1, keeps the logsumexp alone), and the schemas of
``aten::_scaled_dot_product_flash_attention_for_cpu`` and its backward. So the estimate is the recorded run without

- what operations of the call, or backward operations that it caused, made of query, key and value (or of nothing: a
  causal mask), and nothing else read,

and with the logsumexp, and query, key, value, mask and output kept as long as any of that was. A mask that is
converted is converted for a fused kernel, too, and stays; so does a copy after the call that a fused kernel's layout
of its output would save. What a kernel takes for itself while it runs is not counted on either side.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.kinds import ATTENTION_CALLS
from pytest_torchgraph.recorded.operation import Argument, Call, Operation, tensors_in
from pytest_torchgraph.recorded.phase import BACKWARD
from pytest_torchgraph.recorded.tensor import TensorRef

if TYPE_CHECKING:
    from pytest_torchgraph.recorded.memory import Life
    from pytest_torchgraph.recorded.record import Record

DENSE_MASKS = (2, 4)
"""Dimensions of a mask that the CPU's fused kernel takes."""
CALLER = -1
SOFTMAX = frozenset({"aten._softmax", "aten._safe_softmax"})


@dataclass(frozen=True, slots=True)
class MathPath:
    """Attention calls that the CPU computed by separate operations.

    ``reasons`` say why; ``peak`` is that of the run, ``fused`` the estimate with fused attention, both in bytes.
    """

    calls: int
    reasons: tuple[str, ...]
    peak: int
    fused: int


def math_path(graph: Record) -> MathPath | None:
    """The attention calls of *graph* on the math path; ``None`` without any, and for a graph read from a file."""
    if graph.memory.lives is None or graph.origin.device != "cpu":
        return None
    groups = _groups(graph)
    reasons = {call.index: _reason(graph, call, groups[call.index]) for call in graph.calls if call.index in groups}
    taken = {index: reason for index, reason in reasons.items() if reason}
    if not taken:
        return None
    run = _Run(graph)
    saved = [_Saving(run, graph.calls[index], groups[index]) for index in taken]
    return MathPath(len(taken), tuple(dict.fromkeys(taken.values())), graph.memory.peak, _peak(run, saved))


def _groups(graph: Record) -> dict[int, list[Operation]]:
    """The operations beneath each attention call, with those of the backward pass that they caused."""
    found: dict[int, list[Operation]] = defaultdict(list)
    for operation in graph.operations:
        cause = operation.call
        if cause is None and operation.forward is not None:
            cause = graph.operations[operation.forward].call
        if cause is not None and graph.calls[cause].name in ATTENTION_CALLS:
            found[cause].append(operation)
    return found


def _reason(graph: Record, call: Call, group: list[Operation]) -> str:
    """Why *call* took the math path; empty where it did not, or for a reason that holds everywhere."""
    packets = {operation.packet for operation in group if operation.call == call.index}
    if not packets & SOFTMAX:
        return ""
    dropout, mask = _argument(call, 4, "dropout_p"), _argument(call, 3, "attn_mask")
    if isinstance(dropout, float) and dropout > 0:
        return f"dropout_p={dropout}"
    dense = isinstance(mask, TensorRef) and len(mask.spec.shape) in DENSE_MASKS and mask.spec.dtype != "bool"
    return "a mask that requires grad" if dense and graph.origin.grad_mode == "grad" else ""


def _argument(call: Call, position: int, name: str) -> Argument:
    given = dict(call.keywords)
    return given[name] if name in given else call.arguments[position] if len(call.arguments) > position else None


class _Run:
    """A graph with its lives and readers by storage; the reader of what it returned is ``CALLER``."""

    def __init__(self, graph: Record) -> None:
        self.graph = graph
        self.lives: dict[int, list[Life]] = defaultdict(list)
        self.readers: dict[int, set[int]] = defaultdict(set)
        for life in graph.memory.lives or ():
            self.lives[life.storage].append(life)
        for operation in graph.operations:
            for reference in () if operation.is_view else _read(operation):
                self.readers[reference.storage].add(operation.index)
        for _, reference in graph.outputs:
            self.readers[reference.storage].add(CALLER)


class _Saving:
    """What one call would not have made, and what would be kept instead.

    ``kept`` are storages that live up to ``end``, ``None`` for ever; the logsumexp of ``rows`` bytes from ``begin`` to
    ``released``. The fused backward operation reads the gradient of the output where the last of the separate ones ran.
    """

    def __init__(self, run: _Run, call: Call, group: list[Operation]) -> None:
        forward = [operation for operation in group if operation.call == call.index]
        given = tensors_in(call.arguments[:3])
        self.gone, made = _inner(run, group, {each.storage for each in given}, _argument(call, 5, "is_causal"))
        lives = [life for storage in self.gone for life in run.lives[storage]]
        self.begin = forward[-1].index
        self.end = None if any(life.died is None for life in lives) else max(life.died or 0 for life in lives)
        keeps = any(life.category == "saved" for life in lives)
        self.released = self.end if keeps else self.begin + 1
        self.rows = _rows(given[0])
        self.kept: set[int] = set()
        if keeps:
            mask = (_argument(call, 3, "attn_mask"),)
            self.kept = {each.storage for each in (*given, *tensors_in(mask), *tensors_in(forward[-1].results))}
            self.kept |= _made_by(forward) - made | _gradients(run.graph, group)


def _made_by(group: list[Operation]) -> set[int]:
    return {each.storage for operation in group if not operation.is_view for each in tensors_in(operation.results)}


def _gradients(graph: Record, group: list[Operation]) -> set[int]:
    """What the backward operations of *group* read that other backward operations made: the gradient of its output."""
    made = _made_by(group)
    read = {each.storage for operation in group if operation.phase == BACKWARD for each in _read(operation)}
    producers = ((storage, graph.storages[storage].producer) for storage in read - made)
    return {storage for storage, at in producers if at is not None and graph.operations[at].phase == BACKWARD}


def _inner(run: _Run, group: list[Operation], given: set[int], causal: Argument) -> tuple[set[int], set[int]]:
    """Storages that *group* made of query, key and value: those that nothing else reads, and all of them."""
    own = {operation.index for operation in group}
    made: set[int] = set()
    for operation in group:
        reads = {reference.storage for reference in _read(operation)}
        if reads & (given | made) or operation.phase == BACKWARD or (causal and not reads - made):
            results = {each.storage for each in tensors_in(operation.results)}
            made |= {storage for storage in results if run.graph.storages[storage].producer in own}
    return {storage for storage in made if run.readers[storage] <= own}, made


def _read(operation: Operation) -> Iterator[TensorRef]:
    yield from tensors_in(operation.arguments)
    yield from tensors_in(tuple(value for _, value in operation.keywords))


def _rows(query: TensorRef) -> int:
    """Bytes of the logsumexp: one number for each row of the query."""
    width = 8 if query.spec.dtype == "float64" else 4
    return math.prod(query.spec.shape[:-1]) * width


def _peak(run: _Run, savings: Iterable[_Saving]) -> int:
    """The peak of the run with *savings*."""
    savings = list(savings)
    gone = {storage for each in savings for storage in each.gone}
    longer: dict[int, list[_Saving]] = defaultdict(list)
    for each in savings:
        for storage in each.kept:
            longer[storage].append(each)
    steps: dict[int, int] = defaultdict(int)
    for storage in run.lives.keys() - gone:
        for life in run.lives[storage]:
            _add(steps, life.born, life.died, life.bytes)
    for storage, by in longer.items():
        _extend(steps, run.lives[storage], by)
    for each in savings:
        _add(steps, each.begin, each.released, each.rows)
    live = peak = 0
    for at in sorted(steps):
        live += steps[at]
        peak = max(peak, live)
    return peak


def _extend(steps: dict[int, int], lives: list[Life], by: list[_Saving]) -> None:
    """Let the storage of *lives* live until the last call that keeps it lets go."""
    last = max(lives, key=lambda life: math.inf if life.died is None else life.died, default=None)
    if last is None or last.died is None:
        return
    until = None if any(each.end is None for each in by) else max(each.end or 0 for each in by)
    if until is None or until > last.died:
        _add(steps, last.died, until, last.bytes)


def _add(steps: dict[int, int], born: int, died: int | None, size: int) -> None:
    steps[born] += size
    if died is not None:
        steps[died] -= size
