"""What one PyTorch offers and another does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_torchgraph.catalog.entry import Catalogue


@dataclass(frozen=True, slots=True)
class Difference:
    """Full names that were added and removed, and those whose signatures or schema changed: before and after."""

    before: str
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, str]]

    @property
    def is_empty(self) -> bool:
        """Whether both offer the same."""
        return not (self.added or self.removed or self.changed)


def difference(before: Catalogue, after: Catalogue) -> Difference:
    """What changed from *before* to *after*; operators are compared overload by overload."""
    left, right = ways_to_call(before), ways_to_call(after)
    changed = {name: (left[name], right[name]) for name in left if name in right and left[name] != right[name]}
    return Difference(
        before=before.torch,
        after=after.torch,
        added=tuple(sorted(right.keys() - left.keys())),
        removed=tuple(sorted(left.keys() - right.keys())),
        changed=changed,
    )


def ways_to_call(catalogue: Catalogue) -> dict[str, str]:
    """For each callable and each overload its full name, and how it is called; empty where that is unknown."""
    api = [entry for entries in catalogue.api.values() for entry in entries.values()]
    found = {entry.full_name: " | ".join(entry.signatures) for entry in api}
    for operator in catalogue.operators.values():
        found |= {f"{operator.full_name}.{overload.name}": overload.schema for overload in operator.overloads}
    return found
