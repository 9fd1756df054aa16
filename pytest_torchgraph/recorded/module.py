"""The tree of module calls."""

from __future__ import annotations

import re

from pytest_torchgraph.quick import dataclass

INDEX = re.compile(r"(?<![^.])\d+(?![^.])")
"""The position of a module in a list, within its path."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One call of a module (a module called twice has two scopes); the root scope is the traced callable itself.

    ``path`` is the module's qualified name in the traced model, ``""`` for the root. ``operations`` is the half-open
    range of operation positions between its start and its end, those of nested scopes included.
    A call that checkpointing ``recomputed`` stands beneath the call whose backward pass needed it.
    """

    index: int
    parent: int | None
    path: str
    class_name: str
    training: bool | None
    operations: tuple[int, int]
    recomputed: bool = False
