"""Keyword arguments that a call does not take: refused before the model runs."""

from __future__ import annotations

from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def require_known(name: str, given: Iterable[str], *functions: Callable[..., Any]) -> None:
    """Raise ``TypeError`` for one of *given* that none of *functions*, which *name* hands them to, has."""
    __tracebackhide__ = True
    known = [each.name for function in functions for each in signature(function).parameters.values() if _named(each)]
    for keyword in given:
        if keyword not in known:
            raise TypeError(
                f"torch_graph.{name}() got an unexpected keyword argument {keyword!r}{_near(keyword, known)}"
            )


def _named(parameter: Parameter) -> bool:
    return parameter.kind is not Parameter.VAR_KEYWORD


def _near(keyword: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(keyword, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
