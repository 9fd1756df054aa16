"""Compare two canonical graphs: everything that differs, and nothing that only looks different."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from pytest_torchgraph.canonical.metric import OF_COLLECTIVES
from pytest_torchgraph.canonical.program import Operand, Program, without_collectives, without_waits
from pytest_torchgraph.canonical.run import differing
from pytest_torchgraph.canonical.scope import ScopePath
from pytest_torchgraph.diff.change import (
    Change,
    Difference,
    MetricChanged,
    OutputChanged,
    PeakMoved,
    Redeclared,
    Renamed,
    RunChanged,
)
from pytest_torchgraph.diff.compiling import compile_changes
from pytest_torchgraph.diff.fields import spec_fields
from pytest_torchgraph.diff.keys import Interner, Keys
from pytest_torchgraph.diff.matching import Matching
from pytest_torchgraph.diff.pairing import best_matching
from pytest_torchgraph.diff.renames import Renames
from pytest_torchgraph.diff.rerunning import rerun_of
from pytest_torchgraph.diff.same import NOTHING, Same
from pytest_torchgraph.diff.scores import scores_of
from pytest_torchgraph.diff.showing import value_of
from pytest_torchgraph.diff.tree import Tree, call_names, read_spec
from pytest_torchgraph.diff.walk import Walk
from pytest_torchgraph.recorded.collective import kind_of
from pytest_torchgraph.recorded.collector import collector_paused

Name = TypeVar("Name", int, str)
Entry = TypeVar("Entry", int, str)


def compare(before: Program, after: Program, same: Same = NOTHING) -> Difference:
    """What changed from *before* to *after*: facts in program order, without an opinion.

    *same* says which modules before are which after. Raises :class:`~pytest_torchgraph.diff.same.SameUnreadable` where
    it contradicts itself; what neither graph has pairs nothing.
    """
    if before is after:
        return _difference(before, after, (), Renames({}))
    with collector_paused():
        if not (before.tells_waits and after.tells_waits):
            before, after = without_waits(before), without_waits(after)
        if _one_is_uncounted(before, after):
            before, after = without_collectives(before), without_collectives(after)
        return _compared(before, after, same)


def _compared(before: Program, after: Program, same: Same) -> Difference:
    interner = Interner()
    left, right = Keys(Tree(before), interner), Keys(Tree(after), interner)
    heads = tuple(_heads(before, after))
    if left.digests[0] == right.digests[0] and _around(before) == _around(after):
        names = Renames({})
        return _difference(before, after, (*heads, *_peaks(before, after, names)), names)
    matching = best_matching(left, right, same)
    walk = Walk(matching)
    body = tuple(walk.changes())
    outputs = tuple(_outputs(matching))
    body += tuple(Renamed("leaf", *names, place=ScopePath(names[0])) for names in matching.leaf_renames.items())
    bookkeeping = () if body or outputs else (Redeclared(ScopePath()),)
    scores = scores_of(left.tree) | scores_of(right.tree)
    names = Renames(walk.modules.paths)
    changes = (*heads, *_peaks(before, after, names), *body, *outputs, *bookkeeping)
    reruns = rerun_of(left.tree), rerun_of(right.tree)
    return replace(_difference(before, after, changes, names), scores=scores, reruns=reruns)


def _around(program: Program) -> tuple[object, ...]:
    return program.root.class_name, program.root.inputs, program.outputs


def _difference(
    before: Program,
    after: Program,
    changes: tuple[Change, ...],
    names: Renames,
) -> Difference:
    return Difference(
        changes=changes,
        metrics_before=_metrics(before, after),
        metrics_after=_metrics(after, before),
        peak_at_after=after.peak_at,
        alive_before=names.alive(before.alive),
        alive_after=after.alive,
        counts_before=tuple(sorted(Counter(call_names(before.root)).items())),
        counts_after=tuple(sorted(Counter(call_names(after.root)).items())),
    )


def _heads(before: Program, after: Program) -> Iterator[Change]:
    yield from (RunChanged(*words) for words in differing(before.run, after.run))
    for name, count_before, count_after in table_changes(dict(_metrics(before, after)), dict(_metrics(after, before))):
        yield MetricChanged(name, count_before, count_after)
    yield from compile_changes(before.compilation, after.compilation)


def _peaks(before: Program, after: Program, names: Renames) -> Iterator[Change]:
    """Another moment of the peak, or other values that are alive at it; a renamed module is no other place."""
    same_peak = dict(before.metrics).get("peak") == dict(after.metrics).get("peak")
    place = names.place(before.peak_at)
    if place != after.peak_at or (same_peak and names.alive(before.alive) != after.alive):
        yield PeakMoved(place, after.peak_at)


def _metrics(program: Program, other: Program) -> tuple[tuple[str, int], ...]:
    """The metrics of *program*; where only the *other* has phases, all operations are those of the forward pass."""
    metrics = _with_collectives(program, other)
    ops = dict(program.metrics).get("ops")
    if not other.phases or program.phases or ops is None:
        return metrics
    return (("forward.ops", ops), *metrics)


def _with_collectives(program: Program, other: Program) -> tuple[tuple[str, int], ...]:
    """The metrics of *program*, with those of collectives where only the *other* has any."""
    own, others = dict(program.metrics), dict(other.metrics)
    return (*program.metrics, *((name, 0) for name in OF_COLLECTIVES if name in others and name not in own))


def _one_is_uncounted(before: Program, after: Program) -> bool:
    """Whether one of two has collectives and does not say how many, as a file that an earlier version wrote."""
    counted = ["collectives" in dict(program.metrics) for program in (before, after)]
    uncounted = before if counted[1] else after
    return counted[0] != counted[1] and any(kind_of(name) for name in call_names(uncounted.root))


def _outputs(matching: Matching) -> Iterator[Change]:
    left, right = matching.before.tree, matching.after.tree
    outputs_before, outputs_after = _numbered(left.program.outputs), _numbered(right.program.outputs)
    for key in {**outputs_before, **outputs_after}:
        path = key[0]
        before, after = outputs_before.get(key), outputs_after.get(key)
        if before is None or after is None or not _same_output(matching, before, after):
            yield OutputChanged(
                path,
                None if before is None else value_of(left, left.bodies[0], before),
                None if after is None else value_of(right, right.bodies[0], after),
            )


def _numbered(outputs: tuple[tuple[str, Operand], ...]) -> dict[tuple[str, int], Operand]:
    """Outputs by path, those of one path told apart by their order."""
    seen: Counter[str] = Counter()
    found: dict[tuple[str, int], Operand] = {}
    for path, operand in outputs:
        found[path, seen[path]] = operand
        seen[path] += 1
    return found


def _same_output(matching: Matching, before: Operand, after: Operand) -> bool:
    left, right = matching.before.tree, matching.after.tree
    read_before, read_after = left.bodies[0].read(before), right.bodies[0].read(after)
    ends = read_before.definition, read_after.definition
    if not matching.same_value(*ends) and not matching.is_consequence(*ends):
        return False
    spec_before, spec_after = read_spec(left, read_before), read_spec(right, read_after)
    if spec_before is None or spec_after is None:
        return spec_before == spec_after
    return not any(spec_fields(spec_before, spec_after))


def table_changes(
    before: Mapping[Name, Entry], after: Mapping[Name, Entry]
) -> list[tuple[Name, Entry | None, Entry | None]]:
    """Name, entry before and entry after of all that differ in two small tables, in their order.

    ``None`` where a table has no such entry.
    """
    names = {**before, **after}
    return [(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]
