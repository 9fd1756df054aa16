"""Hard limits on one graph, which no update moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pytest_torchgraph.analysis.collective import message_bytes
from pytest_torchgraph.analysis.cost import total_bytes
from pytest_torchgraph.analysis.tally import Total, total_flops, why_unknown
from pytest_torchgraph.diff.grouping import modules_text
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.verdict.compiled import is_compiled_key, places_of
from pytest_torchgraph.verdict.finding import Direction, Finding
from pytest_torchgraph.verdict.measure import (
    SENT,
    BudgetUnreadable,
    is_bytes,
    measured,
    require_key,
    shares,
    split,
    value_of,
)
from pytest_torchgraph.verdict.quantity import Limit, bytes_text, parse_limit
from pytest_torchgraph.words.counting import times

TOP = 3
"""Scopes named under a broken budget."""


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
    return bytes_text(amount) if is_bytes(key) else str(amount)


def parse_budget(
    limits: Mapping[str, object],
    *,
    known: Callable[[str], bool] | None = None,
    suggest: Callable[[str], str] | None = None,
) -> tuple[Budget, ...]:
    """The budgets written as *limits*; raises :class:`BudgetUnreadable` for what cannot hold.

    *known* tells whether the running PyTorch has an operation, *suggest* what to write instead; without them only the
    form of a name is checked here, and its existence when the graph is held to it.
    """
    if not isinstance(limits, Mapping):
        raise BudgetUnreadable(
            f"budget={limits!r}: expected a mapping of keys and limits, such as budget={{'ops': 120}}."
        )
    return tuple(_parse_one(key, limit, known, suggest) for key, limit in limits.items())


def _parse_one(
    key: str, value: object, known: Callable[[str], bool] | None, suggest: Callable[[str], str] | None
) -> Budget:
    require_key(key, known, suggest)
    try:
        limit = parse_limit(value)
    except ValueError as error:
        raise BudgetUnreadable(f"budget {key!r}: {error}") from None
    if limit.unit and not is_bytes(key):
        raise BudgetUnreadable(
            f"budget {key!r}: {value!r} was read as {limit.amount} bytes, but {key} is a plain number."
        )
    return Budget(key, limit)


def check_budget(graph: Graph, budget: Mapping[str, object] | tuple[Budget, ...]) -> list[Finding]:
    """The budgets that *graph* breaks, each with its value, its limit and the scopes that cost most."""
    budgets = budget if isinstance(budget, tuple) else parse_budget(budget)
    return [finding for each in budgets if (finding := _broken(graph, each)) is not None]


def _broken(graph: Graph, budget: Budget) -> Finding | None:
    missing, total = _unknown(graph, budget.key)
    if missing:
        title = f"{budget.key} are {total}, budget {budget}: the total is not known"
        return Finding(kind="budget", severity="fail", title=title, details=(missing,))
    value = value_of(graph, budget.key)
    if budget.limit.allows(value):
        return None
    title = f"{budget.key} {_exactly(budget, value)}, budget {budget}"
    details = tuple(_details(graph, budget.key))
    direction: Direction = "more" if value > budget.limit.amount else "fewer"
    return Finding(kind="budget", severity="fail", title=title, details=details, direction=direction)


def _unknown(graph: Graph, key: str) -> tuple[str, Total | None]:
    """What is not known of the total that *key* limits, empty where all is; and that total."""
    name = split(key)[1]
    if name == "flops":
        within = measured(graph, key)
        return why_unknown(within), total_flops(within.operations)
    if name == SENT:
        total = total_bytes(measured(graph, key).operations, message_bytes)
        return f"sizes are not known in {', '.join(total.unknown)}" if total.unknown else "", total
    return "", None


def _exactly(budget: Budget, value: int) -> str:
    """The value; in bytes where rounding would make it look like the limit."""
    text = amount_text(budget.key, value)
    return f"{value} B" if is_bytes(budget.key) and text == amount_text(budget.key, budget.limit.amount) else text


def _details(graph: Graph, key: str) -> Iterator[str]:
    """The dearest scopes, and what all others come to; of a compiled model, and of what is left behind, the lines."""
    if graph.compilation is not None and is_compiled_key(key):
        yield from places_of(graph.compilation, key)
        return
    if key == "alive_after":
        yield from map(str, graph.left_behind()[:TOP])
        return
    every = shares(graph, key)
    dearest, others = every[:TOP], every[TOP:]
    for paths, amount in dearest:
        many = f" ×{len(paths)}" if len(paths) > 1 else ""
        yield f"{_spelled(paths)}{many}: {amount_text(key, amount)}"
    if others:
        scopes = times(sum(len(paths) for paths, _ in others), "other scope")
        yield f"{scopes}: {amount_text(key, sum(amount for _, amount in others))}"


def _spelled(paths: tuple[str, ...]) -> str:
    """Where it is, with a word before what is only numbers."""
    if paths == ("",):
        return "the model"
    path = modules_text(paths)
    return path if any(letter.isalpha() for letter in path) else f"module {path}"
