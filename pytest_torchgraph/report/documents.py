"""What differs between two documents that this package writes as JSON: two reports, or two analyses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_torchgraph.diff.nested import Differing, nested_differences
from pytest_torchgraph.report.json import FORMAT, ReportUnreadable, read
from pytest_torchgraph.words.printable import printable

ANALYSIS = frozenset({"kinds", "layers", "performance", "critical_path", "memory"})
"""What every analysis holds."""
NAMED_BY = ("path", "name")
LONGEST = 60
"""Characters told of one value."""


def read_document(text: str, path: str) -> dict[str, Any]:
    """The facts that the report or the analysis *text* holds; raises ``ReportUnreadable`` where it is neither."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and found.get("format") == FORMAT:
        return report_facts(text, path)
    if isinstance(found, dict) and found.keys() >= ANALYSIS:
        return {name: named(value) for name, value in found.items()}
    raise ReportUnreadable(
        f"{path}: neither a report, as --torchgraph-report={path} writes it, nor an analysis, "
        f"as torchgraph analyze --format json does."
    )


def report_facts(text: str, path: str) -> dict[str, Any]:
    """What a report says of each graph, without its words: status, changes and metrics."""
    found: dict[str, Any] = {}
    for case in read(text, path=path).cases:
        name = f"{case.test} {case.path}".strip()
        alike = sum(known == name or known.startswith(f"{name} (") for known in found)
        found[f"{name} ({alike + 1})" if alike else name] = {
            "status": case.status,
            "changes": dict.fromkeys(case.outline.changes, True),
            "metrics": {metric.name: {"before": metric.before, "after": metric.after} for metric in case.metrics},
        }
    return found


def named(value: Any) -> Any:
    """*value* with lists of records by their names, so that one more does not move all that follow."""
    if isinstance(value, Mapping):
        return {name: named(inner) for name, inner in value.items()}
    if not isinstance(value, list):
        return value
    by = next((by for by in NAMED_BY if _tells_apart(by, value)), None)
    return [named(inner) for inner in value] if by is None else {each[by]: named(each) for each in value}


def _tells_apart(by: str, records: Sequence[Any]) -> bool:
    names = [each.get(by) for each in records if isinstance(each, Mapping)]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(records) > 0


def lines(differences: Sequence[Differing]) -> Iterator[str]:
    """``~ layers[0.attn].operations: 3 -> 4``, one line each."""
    for each in differences:
        sides = {"changed": (each.before, each.after), "added": (each.after,), "removed": (each.before,)}[each.way]
        sign = {"changed": "~", "added": "+", "removed": "-"}[each.way]
        yield f"{sign} {_place(each.path)}: {' -> '.join(map(_shown, sides))}"


def _place(path: tuple[str | int, ...]) -> str:
    first, *rest = path or ("",)
    steps = (f".{step}" if isinstance(step, str) and step.isidentifier() else f"[{step}]" for step in rest)
    return printable(f"{first}{''.join(steps)}")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return printable(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")


def differences_of(before: str, after: str, paths: tuple[str, str]) -> list[Differing]:
    """Where the documents *before* and *after* differ; raises ``ReportUnreadable`` where one is no document."""
    return nested_differences(read_document(before, paths[0]), read_document(after, paths[1]))
