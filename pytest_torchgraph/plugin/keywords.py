"""The keyword arguments that the fixture hands on: named for editors, and refused before the model runs if unknown."""

from __future__ import annotations

from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypedDict

    from pytest_torchgraph.capture.step import Backward, Stepping

    class RecordOptions(TypedDict, total=False):
        """What ``pytest_torchgraph.record`` takes by keyword."""

        verify: bool
        timing: bool

    class TraceOptions(TypedDict, total=False):
        """What ``pytest_torchgraph.trace`` takes by keyword."""

        warmup: int
        restore: bool
        backward: Backward
        optimizer: Stepping
        verify: bool
        timing: int
        allocator: bool
        world_size: int | None
        rank: int


def require_known(name: str, given: Iterable[str], *functions: Callable[..., Any]) -> None:
    """Raise ``TypeError`` for one of *given* that none of *functions*, which *name* hands them to, has."""
    __tracebackhide__ = True
    known = [each.name for function in functions for each in signature(function).parameters.values() if _named(each)]
    for keyword in given:
        if keyword not in known:
            from pytest_torchgraph.words.nearest import nearest

            near = nearest(keyword, known).removesuffix(".")
            raise TypeError(f"torch_graph.{name}() got an unexpected keyword argument {keyword!r}{near}")


def _named(parameter: Parameter) -> bool:
    return parameter.kind is not Parameter.VAR_KEYWORD
