"""The operands among the arguments and results of an item: to list them, and to put others in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from pytest_torchgraph.canonical.program import Argument, Block, Given, Item, Operand, Outcome, Semantic, Work

Called = TypeVar("Called", Work, Semantic)


def flat(values: Iterable[Argument | Outcome]) -> Iterator[Any]:
    """Everything among *values*, what stands in nested tuples included, in order."""
    for value in values:
        if isinstance(value, tuple):
            yield from flat(value)
        else:
            yield value


def operands_in(values: Iterable[Argument | Outcome]) -> list[Operand]:
    """The operands among *values*, nested ones in order, every occurrence counted."""
    found: list[Operand] = []
    for value in values:
        if type(value) is Operand:
            found.append(value)
        elif isinstance(value, tuple):
            found += operands_in(value)
    return found


def operands_given(item: Work | Semantic) -> list[Operand]:
    """The tensors that *item* is given, positional before keyword: of an API call, what its items take."""
    found = operands_in(item.arguments)
    if item.keywords:
        found += operands_in([argument for _, argument in item.keywords])
    return found


def operands_of(item: Item) -> list[Operand]:
    """Every operand of *item* itself, not of its body: what it is given or takes, and returns as it is."""
    match item:
        case Work():
            return [*operands_given(item), *operands_in(item.outcomes)]
        case Semantic():
            return operands_given(item)
        case Block():
            return list(item.inputs)
        case Given():
            return []


def changed(value: Any, change: Callable[[Operand], Operand]) -> Any:
    """*value* with every operand in it changed; a list that holds for every parameter stays one."""
    if isinstance(value, Operand):
        return change(value)
    return type(value)(changed(one, change) for one in value) if isinstance(value, tuple) else value


def map_operands(item: Called, change: Callable[[Operand], Operand]) -> Called:
    """*item* with every operand that it is given or returns changed; what stands in its body stays."""
    arguments = tuple(changed(one, change) for one in item.arguments)
    keywords = tuple((name, changed(one, change)) for name, one in item.keywords)
    if isinstance(item, Semantic):
        return replace(item, arguments=arguments, keywords=keywords)
    outcomes = tuple(changed(one, change) for one in item.outcomes)
    return replace(item, arguments=arguments, keywords=keywords, outcomes=outcomes)
