"""Hard limits on one graph, which no update moves."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pytest_torchgraph.diff.grouping import NUMBER, shared_path
from pytest_torchgraph.graph.graph import Graph
from pytest_torchgraph.graph.operation import Operation
from pytest_torchgraph.graph.tally import ATTENTION_CALLS, GROUPS, INSTEAD, UnknownName, matches
from pytest_torchgraph.verdict.finding import Direction, Finding
from pytest_torchgraph.verdict.quantity import Limit, bytes_text, parse_limit

BYTE_KEYS: Mapping[str, Callable[[Graph], int]] = {
    "peak": lambda graph: graph.memory.peak,
    "parameters": lambda graph: graph.memory.parameter_bytes,
    "buffers": lambda graph: graph.memory.buffer_bytes,
}
KEYS = (*GROUPS, *BYTE_KEYS, "flops")
NOT_MEASURED = frozenset(
    {"graphs", "graph_breaks", "recompiles", "saved", "gradients", "optimizer_state", "collectives", "bytes"}
)
PHASES = ("forward", "backward", "optimizer")
_OPERATION = re.compile(r"\w+(?:\.\w+){1,2}")
TOP = 3
"""Scopes named under a broken budget."""


class BudgetUnreadable(ValueError):
    """A budget whose key or limit cannot be applied."""


@dataclass(frozen=True, slots=True)
class Budget:
    """One limit: ``key`` is a metric, a group or an operation name."""

    key: str
    limit: Limit

    def __str__(self) -> str:
        sign = "at most" if self.limit.relation == "<=" else "exactly"
        return f"{sign} {amount_text(self.key, self.limit.amount)}"


def amount_text(key: str, amount: int) -> str:
    """``24.0 MiB`` for memory, the exact number otherwise."""
    return bytes_text(amount) if key in BYTE_KEYS else str(amount)


def parse_budget(
    limits: Mapping[str, object],
    *,
    known: Callable[[str], bool] | None = None,
    suggest: Callable[[str], str] | None = None,
) -> tuple[Budget, ...]:
    """The budgets written as *limits*; raises :class:`BudgetUnreadable` or ``AmountUnreadable`` for what cannot hold.

    *known* tells whether the running PyTorch has an operation, *suggest* what to write instead; without them only the
    form of a name is checked here, and its existence when the graph is held to it.
    """
    return tuple(_parse_one(key, limit, known, suggest) for key, limit in limits.items())


def _parse_one(
    key: str, value: object, known: Callable[[str], bool] | None, suggest: Callable[[str], str] | None
) -> Budget:
    _require_key(key, known, suggest)
    try:
        limit = parse_limit(value)
    except ValueError as error:
        raise BudgetUnreadable(f"budget {key!r}: {error}") from None
    if limit.unit and key not in BYTE_KEYS:
        raise BudgetUnreadable(
            f"budget {key!r}: {value!r} was read as {limit.amount} bytes, but {key} is a plain number."
        )
    return Budget(key, limit)


def _require_key(key: object, known: Callable[[str], bool] | None, suggest: Callable[[str], str] | None) -> None:
    if not isinstance(key, str):
        raise BudgetUnreadable(
            f"budget {key!r}: a key is text. Keys: {', '.join(KEYS)}, or an operation such as 'aten.clone'."
        )
    if key in KEYS:
        return
    if key in NOT_MEASURED or key.partition(".")[0] in PHASES:
        raise BudgetUnreadable(f"budget {key!r}: this is not measured. Keys: {', '.join(KEYS)}, or an operation name.")
    if not _OPERATION.fullmatch(key):
        raise BudgetUnreadable(
            f"budget {key!r}: there is no such key{_nearest(key)}. Keys: {', '.join(KEYS)}, or an operation name."
        )
    if key in INSTEAD:
        raise BudgetUnreadable(f"budget {key!r}: it never reaches the dispatcher. Write {INSTEAD[key]}.")
    if known is not None and not known(key):
        instead = suggest(key) if suggest else ""
        raise BudgetUnreadable(f"budget {key!r}: PyTorch's dispatcher has no such operation{instead}.")


def _nearest(key: str) -> str:
    near = difflib.get_close_matches(key, KEYS, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def check_budget(graph: Graph, budget: Mapping[str, object] | tuple[Budget, ...]) -> list[Finding]:
    """The budgets that *graph* breaks, each with its value, its limit and the scopes that cost most."""
    budgets = budget if isinstance(budget, tuple) else parse_budget(budget)
    return [finding for each in budgets if (finding := _broken(graph, each)) is not None]


def _broken(graph: Graph, budget: Budget) -> Finding | None:
    if budget.key == "flops" and graph.flops.unknown:
        title = f"flops are {graph.flops}, budget {budget}: the total is not known"
        return Finding(
            kind="budget", severity="fail", title=title, details=(f"no formula for {', '.join(graph.flops.unknown)}",)
        )
    value = value_of(graph, budget.key)
    if budget.limit.allows(value):
        return None
    title = f"{budget.key} {_exactly(budget, value)}, budget {budget}"
    details = tuple(_detail(budget.key, *share) for share in shares(graph, budget.key)[:TOP])
    direction: Direction = "more" if value > budget.limit.amount else "fewer"
    return Finding(kind="budget", severity="fail", title=title, details=details, direction=direction)


def _exactly(budget: Budget, value: int) -> str:
    """The value; in bytes where rounding would make it look like the limit."""
    text = amount_text(budget.key, value)
    return f"{value} B" if budget.key in BYTE_KEYS and text == amount_text(budget.key, budget.limit.amount) else text


def value_of(graph: Graph, key: str) -> int:
    """What a budget on *key* limits; raises when PyTorch has no such operation."""
    if key in BYTE_KEYS:
        return BYTE_KEYS[key](graph)
    if key == "flops":
        return graph.flops.at_least
    try:
        return graph.count(key)
    except UnknownName as error:
        raise BudgetUnreadable(f"budget {key!r}: {error}") from None


def shares(graph: Graph, key: str) -> list[tuple[str, int, int]]:
    """Scopes with what each costs, dearest first: path (``*`` for indices), number of scopes, amount in all."""
    each = _storage_shares(graph, key) if key in BYTE_KEYS else _operation_shares(graph, key)
    paths: dict[str, list[str]] = {}
    for path in each:
        paths.setdefault(NUMBER.sub("*", path), []).append(path)
    found = [(shared_path(tuple(same)), len(same), sum(each[path] for path in same)) for same in paths.values()]
    return sorted(found, key=lambda share: (-share[2], share[0]))


def _operation_shares(graph: Graph, key: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for operation in graph.operations:
        amount = (operation.flops or 0) if key == "flops" else int(_counts(operation, key))
        if amount:
            found[graph.scopes[operation.scope].path] += amount
    if key == "attention":
        found.update(graph.scopes[call.scope].path for call in graph.calls if call.name in ATTENTION_CALLS)
    return found


def _counts(operation: Operation, key: str) -> bool:
    return GROUPS[key](operation) if key in GROUPS else matches(operation, key)


def _storage_shares(graph: Graph, key: str) -> Counter[str]:
    """Bytes by the scope that owns a parameter or made a value; of the peak, what is alive there."""
    found: Counter[str] = Counter()
    alive = frozenset(graph.memory.alive_at_peak)
    for storage in graph.storages:
        wanted = storage.index in alive if key == "peak" else f"{storage.kind}s" == key
        if wanted and storage.bytes:
            owner = (storage.name or storage.kind).rpartition(".")[0]
            path = owner if storage.producer is None else graph.scopes[graph.operations[storage.producer].scope].path
            found[path] += storage.bytes
    return found


def _detail(key: str, path: str, count: int, amount: int) -> str:
    many = f" ×{count}" if count > 1 else ""
    return f"{path or 'the model itself'}{many}: {amount_text(key, amount)}"
