"""Where two nested structures differ: mappings and lists of plain values, as JSON has them and operations take them."""

from __future__ import annotations

from typing import Any, Literal

from pytest_torchgraph.quick import dataclass

WAYS: dict[str, Literal["changed", "added", "removed"]] = {
    "values_changed": "changed",
    "type_changes": "changed",
    "dictionary_item_added": "added",
    "iterable_item_added": "added",
    "dictionary_item_removed": "removed",
    "iterable_item_removed": "removed",
}


@dataclass(frozen=True, slots=True)
class Differing:
    """One place in which two structures differ; what was *added* has no ``before``, what was *removed* no ``after``."""

    path: tuple[str | int, ...]
    way: Literal["changed", "added", "removed"]
    before: Any = None
    after: Any = None


def nested_differences(before: object, after: object) -> list[Differing]:
    """Every place in which *before* and *after* differ, in the order of their paths; NaN equals itself.

    ``1``, ``1.0`` and ``True`` are three values. Lists are compared place by place.
    """
    # Imported here: it takes longer to load than two snapshots take to compare, and few comparisons need it.
    from deepdiff import DeepDiff

    found = DeepDiff(
        before,
        after,
        view="tree",
        ignore_nan_inequality=True,
        # Else lists are matched by equality first, which takes 1, 1.0 and True for one value.
        zip_ordered_iterables=True,
        # Else mappings with few keys in common are told as one change.
        threshold_to_diff_deeper=0,
    )
    levels = [(WAYS[kind], level) for kind, of_kind in found.items() for level in of_kind]
    told = [
        Differing(
            tuple(level.path(output_format="list")),
            way,
            None if way == "added" else level.t1,
            None if way == "removed" else level.t2,
        )
        for way, level in levels
    ]
    return sorted(told, key=lambda each: [(isinstance(step, str), step) for step in each.path])
