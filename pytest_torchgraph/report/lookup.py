"""What is known of operations and nodes by their names: the API calls that reach them, where they are declared."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_torchgraph.catalog.autograd.headers import place_of
from pytest_torchgraph.catalog.reach import Reached, stored_table

MOST_CALLS = 6
"""API calls told of an operation."""
OF_VIEWS = {"aten.clone": ("torch.Tensor.contiguous", "torch.reshape")}
"""Calls that copy where a view cannot do, told first: the samples that the table was learnt from do not need it."""


def reached_from(operations: Iterable[str]) -> dict[str, str]:
    """``torch.Tensor.contiguous, torch.clone and 3 more`` for each of *operations* (``aten.clone``) that is known.

    What always leads there comes first, then what does least beside it; private calls are left out.
    """
    wanted = set(operations)
    found: dict[str, list[Reached]] = {}
    for call in stored_table().calls:
        if not _is_private(call.name):
            for operation in wanted.intersection(call.operations):
                found.setdefault(operation, []).append(call)
    return {name: _told(name, found[name]) for name in sorted(found)}


def _is_private(name: str) -> bool:
    return any(part.startswith("_") for part in name.split("."))


def _told(operation: str, calls: list[Reached]) -> str:
    ranked = sorted(calls, key=lambda call: (operation not in call.always, len(call.operations), call.name))
    names = [*OF_VIEWS.get(operation, ()), *(call.name for call in ranked)]
    more = f" and {len(names) - MOST_CALLS} more" if len(names) > MOST_CALLS else ""
    return ", ".join(names[:MOST_CALLS]) + more


def declared_at(nodes: Iterable[str]) -> dict[str, str]:
    """The file and line, beneath the folder that PyTorch is installed in, of each of *nodes* that is found there."""
    return {node: place for node in sorted(set(nodes)) if (place := place_of(node))}
