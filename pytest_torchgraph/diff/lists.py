"""Which entries differ in a list of plain values that a matched operation was given before and after."""

from __future__ import annotations

from pytest_torchgraph.canonical.program import Argument
from pytest_torchgraph.diff.change import Field

FEW = 3


def list_fields(name: str, before: tuple[Argument, ...], after: tuple[Argument, ...]) -> list[Field]:
    """One field for each entry that differs: ``normalized_shape[0]``.

    Empty where the lists are better told whole: when more than a few entries differ, or they are not of one shape.
    """
    # Imported here: it takes longer to load than two snapshots take to compare, and few drifts change a list.
    from deepdiff import DeepDiff

    found = DeepDiff(before, after, view="tree", ignore_nan_inequality=True)
    levels = [level for kind in ("values_changed", "type_changes") for level in found.get(kind, ())]
    others = set(found) - {"values_changed", "type_changes"}
    if others or not 0 < len(levels) <= FEW:
        return []
    told = sorted(((tuple(level.path(output_format="list")), level.t1, level.t2) for level in levels), key=str)
    return [Field("argument", name + "".join(f"[{index}]" for index in path), one, other) for path, one, other in told]
