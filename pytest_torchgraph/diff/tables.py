"""Which entries differ between two small tables, such as the metrics of two graphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Name = TypeVar("Name", int, str)
Entry = TypeVar("Entry", int, str)


def table_changes(
    before: Mapping[Name, Entry], after: Mapping[Name, Entry]
) -> list[tuple[Name, Entry | None, Entry | None]]:
    """Name, entry before and entry after of all that differ, in the order of the tables.

    ``None`` where a table has no such entry.
    """
    if before == after:
        return []
    # Imported here: it takes longer to load than two equal snapshots take to compare.
    from deepdiff import DeepDiff

    # Tables that have little in common are told entry by entry too.
    found = DeepDiff(before, after, view="tree", threshold_to_diff_deeper=0)
    differing = {level.path(output_format="list")[0] for levels in found.values() for level in levels}
    return [(name, before.get(name), after.get(name)) for name in {**before, **after} if name in differing]
