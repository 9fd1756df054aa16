"""What a budget's key measures on a graph, and which scopes it comes from."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping

from pytest_torchgraph.analysis.collective import message_bytes
from pytest_torchgraph.analysis.cost import total_bytes
from pytest_torchgraph.analysis.keeping import lives_left
from pytest_torchgraph.analysis.selection import Selection
from pytest_torchgraph.analysis.tally import INSTEAD, call_name, matches
from pytest_torchgraph.diff.grouping import NUMBER
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.collective import KINDS
from pytest_torchgraph.recorded.kinds import ATTENTION_CALLS, GROUPS, group_named, is_in
from pytest_torchgraph.recorded.memory import Life, is_saved
from pytest_torchgraph.recorded.operation import Operation
from pytest_torchgraph.recorded.phase import BACKWARD, FORWARD, OPTIMIZER, PHASES
from pytest_torchgraph.verdict.compiled import COUNTERS, count_of, fault_of, is_compiled_key
from pytest_torchgraph.words.nearest import nearest

BYTE_KEYS: Mapping[str, Callable[[Graph], int]] = {
    "peak": lambda graph: graph.memory.peak,
    "parameters": lambda graph: graph.memory.parameter_bytes,
    "buffers": lambda graph: graph.memory.buffer_bytes,
    "saved": lambda graph: graph.memory.saved_for_backward,
    "gradients": lambda graph: graph.memory.total("gradients"),
    "state": lambda graph: graph.memory.total("optimizer state"),
    "alive_after": lambda graph: sum(life.bytes for life in lives_left(graph)),
}
LIVES: Mapping[str, Callable[[Life], bool]] = {
    "saved": is_saved,
    "gradients": lambda life: life.category == "gradients",
    "state": lambda life: life.category == "optimizer state",
}
NEEDS = {"saved": BACKWARD, "gradients": BACKWARD, "state": OPTIMIZER}
"""The phase without which a key measures nothing."""
SENT = "communicated"
"""Bytes of the messages that ranks send each other."""
COUNTED = (*GROUPS, "flops", SENT)
KEYS = (*COUNTED, *BYTE_KEYS, *COUNTERS)
NOT_MEASURED = frozenset({"bytes"})
ASK = {BACKWARD: "backward=True", OPTIMIZER: "backward=True and an optimizer"}
RECOMPUTED = "recomputed"
"""What checkpointing runs again, which is a part of the backward pass."""
_OPERATION = re.compile(r"\w+(?:\.\w+){1,2}")


class BudgetUnreadable(ValueError):
    """A budget whose key or limit cannot be applied."""


def split(key: str) -> tuple[str | None, str]:
    """``("backward", "ops")`` for ``backward.ops``; no part for a key of the whole run."""
    part, dot, rest = key.partition(".")
    return (part, rest) if dot and part in (*PHASES, RECOMPUTED) else (None, key)


def is_bytes(key: str) -> bool:
    """Whether *key* is an amount of memory."""
    return key in BYTE_KEYS or split(key)[1] == SENT


def require_key(
    key: object, known: Callable[[str], bool] | None = None, suggest: Callable[[str], str] | None = None
) -> None:
    """Raise :class:`BudgetUnreadable` for a key that measures nothing.

    *known* tells whether the running PyTorch has an operation, *suggest* what to write instead.
    """
    if not isinstance(key, str):
        raise BudgetUnreadable(
            f"budget {key!r}: a key is text. Keys: {', '.join(KEYS)}, or an operation such as 'aten.clone'."
        )
    phase, name = split(key)
    if phase is None and is_compiled_key(name):
        return
    if name in COUNTED or group_named(name) or call_name(name) or (phase is None and name in BYTE_KEYS):
        return
    fault = _fault(phase, name)
    if fault:
        raise BudgetUnreadable(f"budget {key!r}: {fault}")
    if known is not None and not known(name):
        instead = suggest(name) if suggest else ""
        raise BudgetUnreadable(f"budget {key!r}: PyTorch's dispatcher has no such operation{instead}.")


def _fault(phase: str | None, name: str) -> str:
    """Why *name* can be no key; empty where it has the form of an operation's name."""
    if phase is not None and (name in BYTE_KEYS or is_compiled_key(name)):
        return f"{name} is measured for the whole run only. Keys of a phase: {', '.join(COUNTED)}, operation names."
    if name in NOT_MEASURED:
        return f"this is not measured. Keys: {', '.join(KEYS)}, or an operation name."
    part = _faulty_part(*name.split(".", 1)) if "." in name else ""
    if part or name in INSTEAD:
        return part or f"it never reaches the dispatcher. Write {INSTEAD[name]}."
    if not _OPERATION.fullmatch(name):
        return f"there is no such key{nearest(name, KEYS)} Keys: {', '.join(KEYS)}, or an operation name."
    return ""


def _faulty_part(first: str, rest: str) -> str:
    """Why ``FIRST.REST`` has no such collective, or no such phase; empty where it speaks of neither."""
    if first == "collectives":
        return f"there is no such collective{nearest(rest, KINDS)} Collectives: {', '.join(KINDS)}."
    if rest in KEYS and difflib.get_close_matches(first, PHASES):
        return f"there is no phase {first!r}{nearest(first, PHASES)} Phases: {', '.join(PHASES)}."
    return ""


def measured(graph: Graph, key: str) -> Graph | Selection:
    """What *key* counts in: the run, or one phase; raises when there is no such phase, as then nothing is limited."""
    phase, name = split(key)
    needed = BACKWARD if phase == RECOMPUTED else phase or NEEDS.get(name)
    if needed is None or (name == "saved" and keeps(graph)):
        return graph
    if needed not in graph.phases_recorded:
        recorded = ", ".join(sorted(graph.phases_recorded)) or "none"
        ask = f" Trace with {ASK[needed]}." if needed in ASK else ""
        raise BudgetUnreadable(f"budget {key!r}: this run has no {needed} phase; phases recorded: {recorded}.{ask}")
    if phase == RECOMPUTED:
        return graph.select(recomputed=True, allow_empty=True)
    return graph.select(phase=phase) if phase else graph


def keeps(graph: Graph) -> bool:
    """Whether it is known what the forward pass keeps for a backward one."""
    return graph.memory.saved is not None


def value_of(graph: Graph, key: str) -> int:
    """What a budget on *key* limits; raises :class:`BudgetUnreadable` for what the graph cannot tell."""
    if is_compiled_key(key):
        return compiled_value(graph, key)
    within, name = measured(graph, key), split(key)[1]
    if name == "flops":
        return sum(operation.flops or 0 for operation in within.operations)
    if name == SENT:
        return total_bytes(within.operations, message_bytes).at_least
    try:
        return BYTE_KEYS[name](graph) if name in BYTE_KEYS else within.op_counts[name]
    except LookupError as error:
        raise BudgetUnreadable(f"budget {key!r}: {error}") from None


def compiled_value(graph: Graph, key: str) -> int:
    """What a budget on *key* counts of what the compiler made; raises :class:`BudgetUnreadable` where nothing was."""
    fault = fault_of(graph.compilation, key)
    if fault or graph.compilation is None:
        raise BudgetUnreadable(f"budget {key!r}: {fault}")
    return count_of(graph.compilation, key)


def shares(graph: Graph, key: str) -> list[tuple[tuple[str, ...], int]]:
    """Paths that differ in indices only with what they cost in all, dearest first."""
    each = _storage_shares(graph, key) if key in BYTE_KEYS else _operation_shares(graph, key)
    paths: dict[str, list[str]] = {}
    for path in each:
        paths.setdefault(NUMBER.sub("*", path), []).append(path)
    found = [(tuple(same), sum(each[path] for path in same)) for same in paths.values()]
    return sorted(found, key=lambda share: (-share[1], share[0]))


def _operation_shares(graph: Graph, key: str) -> Counter[str]:
    found: Counter[str] = Counter()
    within, name = measured(graph, key), split(key)[1]
    for operation in within.operations:
        amount = _amount(operation, name)
        if amount:
            found[_place(graph, operation)] += amount
    calls = ATTENTION_CALLS if name == "attention" else {call_name(name)}
    found.update(graph.scopes[call.scope].path for call in within.calls if call.name in calls)
    return found


def _amount(operation: Operation, name: str) -> int:
    """What *operation* adds to the key *name*."""
    if name == "flops":
        return operation.flops or 0
    return (message_bytes(operation) or 0) if name == SENT else int(_counts(operation, name))


def _place(graph: Graph, operation: Operation) -> str:
    """Path of the module that did *operation*; the phase where no module did, as in an optimizer's step."""
    path = graph.scopes[operation.scope].path
    return path or ("" if operation.phase == FORWARD else operation.phase)


def _counts(operation: Operation, key: str) -> bool:
    return is_in(key, operation) if group_named(key) else matches(operation, key)


def _storage_shares(graph: Graph, key: str) -> Counter[str]:
    """Bytes by the scope that owns a parameter or made a value; of the peak, what is alive there."""
    found: Counter[str] = Counter()
    for index, amount in _storages(graph, key).items():
        storage = graph.storages[index]
        owner = (storage.name or storage.kind).rpartition(".")[0]
        path = owner if storage.producer is None else _place(graph, graph.operations[storage.producer])
        found[path] += amount
    return +found


def _storages(graph: Graph, key: str) -> dict[int, int]:
    """Bytes by storage of what *key* measures."""
    if key == "alive_after":
        return {life.storage: life.bytes for life in lives_left(graph)}
    if key in LIVES:
        return {life.storage: life.bytes for life in graph.memory.lives or () if LIVES[key](life)}
    alive = frozenset(graph.memory.alive_at_peak)
    return {
        storage.index: storage.bytes or 0
        for storage in graph.storages
        if (storage.index in alive if key == "peak" else f"{storage.kind}s" == key)
    }
