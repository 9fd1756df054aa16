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
    names = {**before, **after}
    return [(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]
