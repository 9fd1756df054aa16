"""Which operations of two graphs a comparison marks, and one line that says how many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pytest_torchgraph.canonical.building import canonical
from pytest_torchgraph.canonical.program import Item, Semantic, Work
from pytest_torchgraph.diff.change import Added, Altered, MetricChanged, Moved, Removed
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.diff.same import NOTHING, Same
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.verdict.quantity import bytes_text

BYTES = ("peak", "saved")


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks by position of the operation: in the graph *before*, and in the graph *after*; *note* sums them up."""

    before: dict[int, str]
    after: dict[int, str]
    note: str


def marks_of(before: Graph, after: Graph, same: Same = NOTHING) -> Marks:
    """What the comparison of two graphs says about their operations; *same* says which module is which."""
    # Worked out anew: what came from a file does not know the positions of its operations.
    difference = compare(canonical(before), canonical(after), same)
    marks = Marks({}, {}, "")
    for change in difference.changes:
        match change:
            case Added():
                marks.after.update(dict.fromkeys(operations_in(change.site.item), "added"))
            case Removed():
                marks.before.update(dict.fromkeys(operations_in(change.site.item), "removed"))
            case Altered() | Moved():
                mark = "altered" if isinstance(change, Altered) else "moved"
                marks.before.update(dict.fromkeys(operations_in(change.before.item), mark))
                marks.after.update(dict.fromkeys(operations_in(change.after.item), mark))
    metrics = [metric for metric in difference.changes if isinstance(metric, MetricChanged)]
    return Marks(marks.before, marks.after, note(marks, metrics, same=difference.same))


def operations_in(item: Item) -> Iterator[int]:
    """Positions of the operations that *item* is, or that it holds."""
    if isinstance(item, Work | Semantic) and item.source is not None:
        yield item.source
    for inner in getattr(item, "items", ()):
        yield from operations_in(inner)


def note(marks: Marks, metrics: list[MetricChanged], *, same: bool) -> str:
    """``3 added · peak 1.86 MiB → 1.89 MiB``."""
    if same:
        return "the same"
    counts = Counter(marks.after.values()) + Counter(mark for mark in marks.before.values() if mark == "removed")
    parts = [f"{count} {mark}" for mark, count in counts.most_common()]
    parts += [
        f"{metric.name} {bytes_text(metric.before)} → {bytes_text(metric.after)}"
        for metric in metrics
        if metric.name in BYTES and metric.before is not None and metric.after is not None
    ]
    return " · ".join(parts) or "no operation differs"
