"""One line for each kind of finding."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_torchgraph.canonical.metric import SIZE_METRICS
from pytest_torchgraph.canonical.program import (
    AnyBlock,
    Block,
    Given,
    ModuleCall,
    ParameterLoop,
    PhaseBlock,
    RecomputedCall,
    Work,
)
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    BreakChanged,
    Called,
    Change,
    CompileChange,
    Difference,
    GraphChanged,
    HeadChange,
    LeafChanged,
    LoopChanged,
    MetricChanged,
    ModuleChange,
    Moved,
    OutputChanged,
    PeakMoved,
    RecompileChanged,
    Redeclared,
    Removed,
    Renamed,
    Replaced,
    RunChanged,
    Site,
    Value,
)
from pytest_torchgraph.diff.fields import spec_fields
from pytest_torchgraph.diff.grouping import Group, phase_of
from pytest_torchgraph.recorded.phase import BACKWARD, BETWEEN
from pytest_torchgraph.verdict.finding import Direction, Kind
from pytest_torchgraph.verdict.places import places_text
from pytest_torchgraph.verdict.quantity import bytes_pair, bytes_text, moved_text
from pytest_torchgraph.verdict.wording import field_text, leaf_text, operation_text, shown_text
from pytest_torchgraph.words.closed import assert_never
from pytest_torchgraph.words.counting import listed, numbered, times

KIND_NOUNS: dict[Kind, str] = {"sync": "device-to-host sync"}


def balance(groups: Sequence[Group]) -> int:
    """Items added less items removed, an operation of a loop as often as it is done."""
    changes = [change for group in groups for change in group.changes]
    added, removed = ([change for change in changes if isinstance(change, kind)] for kind in (Added, Removed))
    return sum(map(times_done, added)) - sum(map(times_done, removed))


def times_done(change: Added | Removed) -> int:
    """How often the item that came or went is done: more than once only for an operation of a loop."""
    return change.operations if isinstance(change.site.item, Work) and not change.within else 1


def direction_of(groups: Sequence[Group]) -> Direction:
    """Whether there is only more, only fewer, or something else."""
    types = {type(change) for group in groups for change in group.changes}
    if types == {Added}:
        return "more"
    return "fewer" if types == {Removed} else "other"


def title_of(kind: Kind, groups: Sequence[Group], difference: Difference) -> str:
    """What happened, in one line."""
    changes = [change for group in groups for change in group.changes]
    first = changes[0]
    match first:
        case Added() | Removed():
            return _came_and_went(kind, groups, first, difference)
        case Altered(after=after):
            return _altered(kind, changes, first, difference.count(after.name)[1])
        case _:
            return _other(kind, changes, first)


def counts_text(difference: Difference, name: str, net: int) -> str:
    """`` (2 -> 18)``: how many the graphs have, where what is told beside it is all of the difference."""
    before, after = difference.count(name)
    return f" ({before} -> {after})" if after - before == net != 0 else ""


def _came_and_went(kind: Kind, groups: Sequence[Group], first: Added | Removed, difference: Difference) -> str:
    net = balance(groups)
    item = first.site.item
    if isinstance(item, Given):
        if item.kind == "input":
            return f"input %{item.name} {'added' if net > 0 else 'removed'}"
        return f"{_signed(net, groups)} {item.kind} {item.spec.text}, made by no operation of the run"
    if isinstance(item, Block):
        return _called(item, groups, net)
    name = operation_text(first.site.name)
    counts = counts_text(difference, name, net)
    if kind == "sync":
        return f"{_signed(net, groups)} {numbered(abs(net), KIND_NOUNS['sync'])}, {name}{counts}"
    beneath = f" beneath {operation_text(first.site.beneath)}" if first.site.beneath else ""
    return f"{_signed(net, groups)} {name}{counts}{_shares(groups) if kind == 'copy' else ''}{beneath}"


def _called(item: AnyBlock, groups: Sequence[Group], net: int) -> str:
    """``+2 Linear (4 operations)``: module calls and phases that came and went."""
    operations = sum(
        change.operations for group in groups for change in group.changes if isinstance(change, (Added, Removed))
    )
    if isinstance(item, PhaseBlock) and item.name == BETWEEN and net:
        came = "added" if net > 0 else "removed"
        return f"work between backward and optimizer {came} ({times(operations, 'operation')})"
    calls = [change for group in groups for change in group.changes if not _is_behind(change)]
    net = sum(1 if isinstance(change, Added) else -1 for change in calls) or net
    if not net and isinstance(item, ModuleCall):
        return _called_elsewhere(item, calls, operations)
    return f"{_signed(net, groups)} {_block_text(item, abs(net))} ({times(operations, 'operation')})"


def _called_elsewhere(call: ModuleCall, calls: Sequence[Change], operations: int) -> str:
    """``LayerNorm called as norm, no longer as head.0``: where as many calls of a class came as went."""
    now, before = (
        places_text(path_of(change.site) for change in calls if isinstance(change, side)) for side in (Added, Removed)
    )
    name = call.class_name or "module"
    again = now == before
    where = f"{now} otherwise" if again else f"{now}, no longer as {before}"
    return f"{name} called as {where} ({times(operations, 'operation')})"


def path_of(site: Site) -> str:
    """Path of the module that is called at *site*."""
    return site.inner.module if site.inner is not None else site.scope.module


def _is_behind(change: Change) -> bool:
    """Whether the backward call of a module came or went, which is no call more than the forward one."""
    return phase_of(change) == BACKWARD


def _shares(groups: Sequence[Group]) -> str:
    """``: 12 of the edit itself, 4 that follow in later views``: how the copies that came or went add up."""
    changes = [change for group in groups for change in group.changes if isinstance(change, (Added, Removed))]
    backward = [change for change in changes if phase_of(change) == BACKWARD]
    follow = [change for change in changes if change.follows and phase_of(change) != BACKWARD]
    if direction_of(groups) == "other" or not (backward or follow):
        return ""
    counts = [sum(map(times_done, part)) for part in (changes, follow, backward)]
    own = counts[0] - counts[1] - counts[2]
    parts = [
        f"{own} of the edit itself" if own else "",
        f"{counts[1]} that follow in later views" if follow else "",
        f"{counts[2]} in the backward pass" if backward else "",
    ]
    return ": " + ", ".join(part for part in parts if part)


def _block_text(block: AnyBlock, count: int) -> str:
    match block:
        case PhaseBlock():
            return f"{block.name} phase of {block.class_name}" if block.class_name else f"{block.name} phase"
        case ParameterLoop():
            return "loop over parameters" if count == 1 else "loops over parameters"
        case ModuleCall() | RecomputedCall():
            return block.class_name or "module call"
        case _:
            assert_never(block)


def _signed(net: int, groups: Sequence[Group]) -> str:
    if net:
        return f"{net:+d}"
    moved = sum(len(group.changes) for group in groups) // 2
    return f"{moved} added and {moved} removed:"


def _altered(kind: Kind, changes: Sequence[Change], first: Altered, all_of_them: int) -> str:
    fields = ", ".join(field_text(field) for field in first.fields[:3])
    count = len(changes)
    name = operation_text(first.after.name)
    if kind in ("operation", "backend") and first.fields[0].kind == "name":
        others = ", ".join(map(field_text, first.fields[1:3]))
        more = f" (and {others})" if others else ""
        before = operation_text(first.before.name)
        before, name = (first.before.name, first.after.name) if before == name else (before, name)
        return f"{times(count, 'operation')} swapped: {before} -> {name}{more}"
    if kind == "follow":
        return f"{follow_text(count)} with changed shapes, dtypes or strides"
    if isinstance(first.after.item, Given):
        return f"{given_text(first)} {input_text(first)}"
    if kind == "attention":
        return f"attention call changed ({count} of {times(all_of_them, 'call')}): {fields}"
    if kind == "spelling":
        return f"{name}: {fields}, which means the same ({times(count, 'operation')})"
    colon = "" if first.fields[0].kind == "leaf" else ":"
    return f"{name}{colon} {fields} ({times(count, 'operation')})"


def follow_text(count: int) -> str:
    """``1 operation follows``, ``12 operations follow``."""
    return f"{times(count, 'operation')} {'follows' if count == 1 else 'follow'}"


def given_text(change: Altered) -> str:
    """``input %x:``, ``constant``."""
    item = change.after.item
    return f"input %{item.name}:" if isinstance(item, Given) and item.kind == "input" else "constant"


def input_text(change: Altered) -> str:
    """``f32[2,16] -> f32[4,16]``; another property by its name where these do not tell."""
    before, after = change.before.item, change.after.item
    if isinstance(before, Given) and isinstance(after, Given) and before.spec.text != after.spec.text:
        return f"{before.spec.text} -> {after.spec.text}"
    return ", ".join(map(field_text, change.fields))


def _other(
    kind: Kind, changes: Sequence[Change], first: Moved | ModuleChange | HeadChange | CompileChange | OutputChanged
) -> str:
    more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
    match first:
        case RunChanged():
            pairs = [(each.before, each.after) for each in changes if isinstance(each, RunChanged)]
            return "run: " + ", ".join(f"{before or 'unset'} -> {after or 'unset'}" for before, after in pairs)
        case Moved():
            where = ", around a write in place" if first.writes else ""
            verb = "reordered" if first.before.scope == first.after.scope else "moved to another module"
            return f"{_moved_text(changes)} {verb}: {operation_text(first.after.name)}{where}"
        case LeafChanged():
            name = f"{first.path} {leaf_text(first.before, first.after)}"
            what = "gradients" if kind == "follow" else "parameters or buffers"
            return f"{len(changes)} {what} changed: {name}, …" if more else name
        case Renamed():
            return f"{RENAMED[first.kind]} renamed: {first.before} -> {first.after}{more}"
        case _:
            return _head(first, more)


def _moved_text(changes: Sequence[Change]) -> str:
    """``1 module call``, ``2 module calls and 8 operations``."""
    calls = sum(isinstance(each, Moved) and isinstance(each.after.item, Block) for each in changes)
    counts = ((calls, "module call"), (len(changes) - calls, "operation"))
    return " and ".join(times(count, noun) for count, noun in counts if count)


RENAMED = {"scope": "module", "input": "input", "leaf": "parameter"}


def _head(
    change: Replaced | Called | LoopChanged | Redeclared | MetricChanged | PeakMoved | CompileChange | OutputChanged,
    more: str,
) -> str:
    match change:
        case OutputChanged() | MetricChanged():
            return plain_text(change)
        case Called() | LoopChanged():
            return f"{plain_text(change)}{more}"
        case Replaced():
            return f"class of {str(change.scope) or 'the model'}: {change.before} -> {change.after}{more}"
        case PeakMoved():
            if change.before == change.after:
                return f"other values are alive at the peak, at {change.after or 'the start'}"
            return f"peak reached at {change.after or 'the start'}, was {change.before or 'the start'}"
        case Redeclared() | BreakChanged() | RecompileChanged() | GraphChanged():
            return "only bookkeeping between scopes differs"
        case _:
            assert_never(change)


def called_text(change: Called) -> str:
    """``calls blocks.0 in the place of blocks.1, which is called no longer``."""
    again = " once more" if change.again else ""
    gone = ", which is called no longer" if change.gone else ""
    return f"calls {change.after}{again} in the place of {change.before}{gone}"


def loop_text(change: LoopChanged) -> str:
    """``the optimizer leaves out 2 parameters: a.bias, b.bias``."""
    parts = []
    if change.alike:
        many = times(len(change.came), "parameter")
        parts.append(f"works on {many} of other names and the same sizes: {_few(change.came)}, for {_few(change.went)}")
    elif change.went:
        gone = ", no longer the model's" if change.with_model else ""
        parts.append(f"leaves out {times(len(change.went), 'parameter')}{gone}: {_few(change.went)}")
    if change.came and not change.alike:
        new = ", new in the model" if change.with_model else ""
        parts.append(f"works on {times(len(change.came), 'more parameter')}{new}: {_few(change.came)}")
    if change.parted:
        parts.append(f"works on {times(len(change.parted), 'parameter')} in a loop of their own: {_few(change.parted)}")
    if change.joined:
        parts.append(
            f"works on {times(len(change.joined), 'parameter')} in the loop for the rest: {_few(change.joined)}"
        )
    return f"the {change.scope.phase} {'; it '.join(parts)}"


def _few(names: tuple[str, ...]) -> str:
    return listed(names, 3)


def plain_text(change: Called | LoopChanged | Redeclared | HeadChange | OutputChanged) -> str:
    """A change that is no operation's, in one line; empty for those that need their neighbours."""
    match change:
        case OutputChanged():
            return output_text(change)
        case MetricChanged():
            return metric_text(change)
        case Called():
            return called_text(change)
        case LoopChanged():
            return loop_text(change)
        case RunChanged() | PeakMoved() | Redeclared():
            return ""
        case _:
            assert_never(change)


def output_text(change: OutputChanged) -> str:
    """``output logits: %lm_head f32[2,256] -> none``."""
    before, after = (shown_text(value) if value else "none" for value in (change.before, change.after))
    name = f"output {change.path}" if change.path else "output"
    if look := _look(change.before, change.after):
        return f"{name} {after}: {look}"
    return f"{name}: another {after}" if before == after else f"{name}: {before} -> {after}"


def _look(before: Value | None, after: Value | None) -> str:
    """How two outputs that are the same tensor by their types and sizes differ in memory; empty where they do not."""
    specs = [value.spec for value in (before, after) if value is not None and value.spec is not None]
    if len(specs) < 2 or specs[0].text != specs[1].text:
        return ""
    return ", ".join(map(field_text, spec_fields(specs[0], specs[1])))


def metric_text(change: MetricChanged) -> str:
    """``peak 18.2 MiB -> 20.3 MiB (+11.5%)``, ``ops 100 -> 116``; a percentage is of the amount before it."""
    before, after = change.before, change.after
    as_text = bytes_text if change.name in SIZE_METRICS else str
    if before is None or after is None:
        left, right = ("none" if number is None else as_text(number) for number in (before, after))
        return f"{change.name} {left} -> {right}"
    if change.name not in SIZE_METRICS:
        return f"{change.name} {before} -> {after}"
    left, right = bytes_pair(before, after)
    moved = moved_text(before, after)
    return f"{change.name} {left} -> {right}" + (f" ({moved})" if moved else "")
