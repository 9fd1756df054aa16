"""The operands among the arguments and results of an item: to list them, and to put others in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar, cast

from pytest_torchgraph.canonical.program import Argument, Block, Given, Item, Operand, Outcome, Semantic, Work

Given_ = TypeVar("Given_", Argument, Outcome)
Named = TypeVar("Named", Work, Semantic)


def flat(values: Iterable[Argument | Outcome]) -> Iterator[Argument | Outcome]:
    """Everything among *values*, what stands in nested tuples included, in order."""
    for value in values:
        if isinstance(value, tuple):
            yield from flat(value)
        else:
            yield value


def operands_in(values: Iterable[Argument | Outcome]) -> list[Operand]:
    """The operands among *values*, every occurrence counted."""
    return [one for one in flat(values) if type(one) is Operand]


def given(item: Work | Semantic) -> list[Operand]:
    """The tensors that *item* is given, positional before keyword, nested ones in order."""
    return operands_in((*item.arguments, *(value for _, value in item.keywords)))


def operands_of(item: Item) -> list[Operand]:
    """Every operand that stands in *item* itself, not in its body: what it is given, takes or returns as it is."""
    match item:
        case Work():
            return [*given(item), *operands_in(item.outcomes)]
        case Semantic():
            return given(item)
        case Block():
            return list(item.inputs)
        case Given():
            return []


def mapped(value: Argument, change: Callable[[Operand], Operand]) -> Argument:
    """*value* with every operand in it changed; a list that holds for every parameter stays one."""
    if isinstance(value, Operand):
        return change(value)
    if isinstance(value, tuple):
        return cast("Argument", type(value)(mapped(one, change) for one in value))
    return value


def map_operands(item: Named, change: Callable[[Operand], Operand]) -> Named:
    """*item* with every operand that it is given or returns changed; what stands in its body stays."""
    arguments = tuple(mapped(one, change) for one in item.arguments)
    keywords = tuple((name, mapped(one, change)) for name, one in item.keywords)
    if isinstance(item, Semantic):
        return replace(item, arguments=arguments, keywords=keywords)
    outcomes = tuple(cast("Outcome", mapped(cast("Argument", one), change)) for one in item.outcomes)
    return replace(item, arguments=arguments, keywords=keywords, outcomes=outcomes)
