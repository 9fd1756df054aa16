"""What one PyTorch offers and another does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_torchgraph.catalog.entry import ApiEntry, Catalogue, OverloadEntry
from pytest_torchgraph.diff.nested import Differing, nested_differences
from pytest_torchgraph.quick import dataclass

CALLED_BY = frozenset({"namespace", "name", "signatures", "signature_source", "schema", "callable"})
"""Fields that name an entry or say how it is called, or how that is known."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Full names that were added and removed, and those whose signatures or schema changed: before and after.

    ``facts`` are what else changed of a name that both have: its kind, its tags, whether it has a meta kernel.
    """

    before: str
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, str]]
    facts: Mapping[str, tuple[Differing, ...]]

    @property
    def is_empty(self) -> bool:
        """Whether both offer the same."""
        return not (self.added or self.removed or self.changed or self.facts)


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
        facts=_fact_changes(facts_of(before), facts_of(after)),
    )


def _fact_changes(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, tuple[Differing, ...]]:
    # Of ten thousand entries few differ: only those are compared field by field.
    differing = (name for name in left if name in right and left[name] != right[name])
    return {name: tuple(nested_differences(left[name], right[name])) for name in differing}


def facts_of(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """What is known of each callable and each overload beside how it is called."""
    api = [entry for entries in catalogue.api.values() for entry in entries.values()]
    found = {entry.full_name: _facts(entry) for entry in api}
    for operator in catalogue.operators.values():
        found |= {f"{operator.full_name}.{overload.name}": _facts(overload) for overload in operator.overloads}
    return found


def _facts(entry: ApiEntry | OverloadEntry) -> dict[str, Any]:
    known = {name: getattr(entry, name) for name in entry.__dataclass_fields__ if name not in CALLED_BY}
    return {name: _unordered(value) for name, value in known.items()}


def _unordered(value: object) -> object:
    """*value*, what is listed as a mapping: it has no order of its own."""
    return dict.fromkeys(sorted(value), True) if isinstance(value, tuple) else value


def ways_to_call(catalogue: Catalogue) -> dict[str, str]:
    """For each callable and each overload its full name, and how it is called; empty where that is unknown."""
    api = [entry for entries in catalogue.api.values() for entry in entries.values()]
    found = {entry.full_name: " | ".join(entry.signatures) for entry in api}
    for operator in catalogue.operators.values():
        found |= {f"{operator.full_name}.{overload.name}": overload.schema for overload in operator.overloads}
    return found
