"""Which entries differ in a list of plain values that a matched operation was given before and after."""

from __future__ import annotations

from pytest_torchgraph.canonical.program import Argument
from pytest_torchgraph.diff.change import Field
from pytest_torchgraph.diff.nested import nested_differences

FEW = 3


def list_fields(name: str, before: tuple[Argument, ...], after: tuple[Argument, ...]) -> list[Field]:
    """One field for each entry that differs: ``normalized_shape[0]``.

    Empty where the lists are better told whole: when more than a few entries differ, or they are not of one shape.
    """
    found = nested_differences(before, after)
    if any(each.way != "changed" for each in found) or not 0 < len(found) <= FEW:
        return []
    told = [(each.path, each.before, each.after) for each in found]
    return [Field("argument", name + "".join(f"[{index}]" for index in path), one, other) for path, one, other in told]
