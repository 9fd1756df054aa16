"""Rules that look at one finding, when no story over all changes explained it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from pytest_torchgraph.canonical.metric import HELD_METRICS
from pytest_torchgraph.canonical.program import Block, Given, Item, ModuleCall, PhaseBlock, Semantic
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    Called,
    Change,
    Difference,
    LeafChanged,
    LoopChanged,
    MetricChanged,
    Moved,
    Removed,
    Renamed,
    Replaced,
    Site,
)
from pytest_torchgraph.diff.grouping import scope_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import BETWEEN
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import is_spelling, made, read
from pytest_torchgraph.verdict.causes.copying import copied
from pytest_torchgraph.verdict.causes.syncing import COUNTED, WAITS
from pytest_torchgraph.verdict.finding import Finding, Kind
from pytest_torchgraph.verdict.title import balance

Rule: TypeAlias = "Callable[[Finding, Difference], Cause | None]"
"""What one finding is likely to come from; the difference is asked whether what a hint says is so."""


def changes_of(finding: Finding) -> Iterator[Change]:
    """The first change of each group behind *finding*."""
    return (group.first for group in finding.groups)


def sync(finding: Finding, _: Difference) -> Cause | None:
    """The number of syncs moved."""
    if finding.direction == "fewer":
        return Cause("sync-removed", "")
    return Cause("host-sync", f"{COUNTED}; {WAITS}")


def copy(finding: Finding, _: Difference) -> Cause | None:
    """Copies that came or went."""
    return copied(finding)


def padded(finding: Finding, _: Difference) -> Cause | None:
    """Padding by nothing, which copies all the same."""
    came = [change for change in changes_of(finding) if isinstance(change, (Added, Removed))]
    if not came or not all(_pads_nothing(change.site) for change in came):
        return None
    return Cause("copy-removed", "") if finding.direction == "fewer" else Cause("extra-copy", PADDED)


PADDED = "padded by nothing, which copies all the same: pad only where a size asks for it"


def _pads_nothing(site: Site) -> bool:
    spec, source = made(site), read(site)
    same = spec is not None and source is not None and spec.shape == source.shape
    return packet_of(site.name) == "aten.constant_pad_nd" and same


def inputs(finding: Finding, _: Difference) -> Cause | None:
    """The test's own inputs are others."""
    changes = list(changes_of(finding))
    if any(isinstance(change, Renamed) for change in changes):
        return None
    if any(isinstance(change, Altered) and isinstance(change.after.item, Given) for change in changes):
        return Cause("other-inputs", "the test passes other inputs; the model itself need not have changed")
    return Cause("other-inputs", "")


def module(finding: Finding, _: Difference) -> Cause | None:
    """A whole module call, or a whole phase, more or fewer."""
    net = balance(finding.groups)
    if finding.direction == "other" and net <= 0 and any(map(_is_come, changes_of(finding))):
        return Cause("module-removed", "") if net else Cause("other-module", AS_MANY)
    for change in changes_of(finding):
        if isinstance(change, (Added, Removed)) and _is_phase(change.site.item):
            hint = BESIDE if _is_between(change.site.item) else OTHER_STEP
            return Cause("phase-added" if isinstance(change, Added) else "phase-removed", hint)
        if isinstance(change, Added) and isinstance(change.site.item, Block):
            once_more = isinstance(change.site.item, ModuleCall) and change.site.item.call > 1
            return Cause("module-added", ONCE_MORE if once_more else NEWLY_CALLED)
    return Cause("module-removed", "") if finding.direction == "fewer" else Cause("other-module", "")


def _is_come(change: Change) -> bool:
    return isinstance(change, (Added, Removed))


def _is_phase(item: Item) -> bool:
    return isinstance(item, PhaseBlock)


def _is_between(item: Item) -> bool:
    return isinstance(item, PhaseBlock) and item.name == BETWEEN


AS_MANY = "as many are called as before, in another place or for other work"
OTHER_STEP = "the test is given backward or an optimizer, or no longer; the model may be as it was"
BESIDE = "gradients are clipped, scaled or set to zero, or no longer; the model may be as it was"
ONCE_MORE = "its module is called once more in the same scope"
NEWLY_CALLED = "a new layer, one that is switched on, or one that only returned views before"


def held(finding: Finding, difference: Difference) -> Cause | None:
    """A parameter or buffer of another dtype or size, or work for other parameters."""
    pairs = [(change.before, change.after) for change in changes_of(finding) if isinstance(change, LeafChanged)]
    if any(before.shape != after.shape for before, after in pairs):
        return _of_other_sizes(finding, difference)
    loops = [change for change in changes_of(finding) if isinstance(change, LoopChanged)]
    if loops and all(change.with_model for change in loops):
        return Cause("other-parameters", "")
    if any(change.came or change.went for change in loops):
        return Cause("other-parameters", "requires_grad, or the parameters that the optimizer was given, changed")
    if loops:
        return Cause("other-optimizer", "parameter groups of the optimizer have other options (weight_decay, lr)")
    return None


def _of_other_sizes(finding: Finding, difference: Difference) -> Cause:
    if is_reshaped(finding):
        return Cause("other-dimensions", RESHAPED)
    if _holds_as_much(difference):
        return Cause("other-weight", OTHER_PLACE)
    return Cause("other-configuration", "the model is built with other sizes (its configuration)")


RESHAPED = "as many elements as before: a state_dict of one does not load into the other"


def is_reshaped(finding: Finding) -> bool:
    """Whether *finding* tells of nothing but parameters or buffers that have their elements in other dimensions."""
    changes = [change for group in finding.groups for change in group.changes]
    return bool(changes) and all(
        isinstance(change, LeafChanged)
        and change.before.shape != change.after.shape
        and math.prod(change.before.shape) == math.prod(change.after.shape)
        for change in changes
    )


def _holds_as_much(difference: Difference) -> bool:
    """Whether the model is known to hold as many bytes as before: then what is read has other sizes, not the model."""
    sizes = [difference.metric(name) for name in ("parameters", "buffers")]
    return sizes[0] != (None, None) and all(before == after for before, after in sizes)


def held_bytes(finding: Finding, difference: Difference) -> Cause | None:
    """Parameters, buffers, gradients or optimizer state take more or less memory."""
    for change in changes_of(finding):
        if isinstance(change, MetricChanged) and change.name in HELD_METRICS:
            before, after = difference.metric("parameters")
            as_many = change.name != "gradients" or before == after
            return Cause("state-bytes", HELD_HINTS[change.name][finding.direction == "fewer"] if as_many else "")
    return None


HELD_HINTS = {
    "parameters": (
        "more or larger layers, a wider dtype, or weights that are no longer tied",
        "fewer or smaller layers, a narrower dtype, or weights that are now tied",
    ),
    "buffers": (
        "more or larger buffers (a cache, a table of positions, a mask), or a wider dtype",
        "fewer or smaller buffers (a cache, a table of positions, a mask), or a narrower dtype",
    ),
    "gradients": ("more parameters are trained", "fewer parameters are trained"),
    "state": (
        "the optimizer keeps more for each parameter, or has more of them",
        "the optimizer keeps less for each parameter, or has fewer of them",
    ),
}


def saved(finding: Finding, _: Difference) -> Cause | None:
    """The forward pass keeps more or less for the backward one."""
    moved = [change for change in changes_of(finding) if isinstance(change, MetricChanged) and change.name == "saved"]
    before, after = (moved[0].before, moved[0].after) if moved else (0, 0)
    if not before:
        return Cause("grad-in-evaluation", SAVES) if after else None
    if not after:
        return Cause("grad-off", "autograd saves nothing any more")
    if finding.direction == "fewer":
        return Cause("saved-less", "")
    return Cause("saved-more", "autograd keeps operands or results that it did not, until the backward pass reads them")


SAVES = "autograd saves where it saved nothing: torch.no_grad() dropped?"


def number(finding: Finding, _: Difference) -> Cause | None:
    """The same number of another type among the arguments."""
    for change in changes_of(finding):
        if isinstance(change, Altered):
            for field in change.fields:
                if packet_of(change.after.name) == "aten.native_batch_norm" and field.name == "training":
                    name = "training-mode" if field.after is True else "evaluation-mode"
                    return Cause(name, BATCH_STATISTICS if field.after is True else RUNNING_STATISTICS)
                if field.kind == "leaf":
                    return Cause("other-weight", OTHER_WEIGHT)
                if _is_same_number(field.before, field.after):
                    retyped = any(each.kind == "dtype" for each in change.fields)
                    return Cause("other-number", OTHER_TYPE if retyped else SAME_TYPE)
    return None


def made_in_type(finding: Finding, _: Difference) -> Cause | None:
    """Numbers that no tensor is read for are made in another type."""
    changes = [change for change in changes_of(finding) if isinstance(change, Altered)]
    made = [change for change in changes if not change.after.reads and not isinstance(change.after.item, Given)]
    are_all = bool(made) and len(made) == len(list(changes_of(finding)))
    return Cause("other-number", MADE_SO) if are_all and all(map(_is_retyped, made)) else None


def _is_retyped(change: Altered) -> bool:
    """Whether nothing differs but the type that is asked for and made."""
    return all(field.kind == "dtype" or field.name == "dtype" for field in change.fields)


OTHER_PLACE = "the model holds as much as before: another parameter is read in this place"
OTHER_WEIGHT = "another parameter is read in the place of one; are weights tied now, or no longer?"
MADE_SO = "the same numbers, made in another type at once (dtype=)"
OTHER_TYPE = "the same number of another type, which changes the dtype of a result"
SAME_TYPE = "the same number of another type, and results of the same type as before"


def _is_same_number(before: object, after: object) -> bool:
    are_numbers = isinstance(before, (bool, int, float)) and isinstance(after, (bool, int, float))
    return are_numbers and type(before) is not type(after) and before == after


BATCH_STATISTICS = "the statistics of the batch are used and the running ones updated, as in training mode"
RUNNING_STATISTICS = "the running statistics are used instead of those of the batch, as in evaluation mode"


SAID = "the two are said to be the same module, by --same or torchgraph_same"


def name(finding: Finding, difference: Difference) -> Cause | None:
    """The same body under another name, in the same place or elsewhere."""
    changes = [change for group in finding.groups for change in group.changes]
    if any(isinstance(change, Called) for change in changes):
        return Cause("shared-module", "neither module has parameters, and both do the same work")
    told = [change for change in changes if isinstance(change, (Renamed, Replaced)) and change.told]
    if told:
        return Cause("renamed", SAID if len(told) == len(changes) else f"{SAID}, some of them")
    renames = [change for change in changes if isinstance(change, Renamed)]
    same = not _is_edited(changes, difference)
    if any(isinstance(change, Replaced) for change in changes):
        return Cause("renamed", "the class has another name, its modules do the same work" if same else "")
    if not renames:
        return None
    moved = {change.before: change.after for change in renames}
    if any(_lies_elsewhere(change, moved) for change in renames if change.kind != "input"):
        moved_what = MOVED_LEAVES if all(change.kind == "leaf" for change in renames) else MOVED_MODULES
        return Cause("moved-module", moved_what if same else "")
    return Cause("renamed", "the work is the same" if same else "")


MOVED_MODULES = "the modules do the same work elsewhere in the tree"
MOVED_LEAVES = "the parameters are held elsewhere in the tree, and read as before"


def _is_edited(renames: Iterable[Change], difference: Difference) -> bool:
    """Whether anything is done otherwise in the modules that are called otherwise."""
    inside = tuple(f"{path}." if path else "" for path in map(_path_after, renames))
    edits = (change for change in difference.changes if _is_edit(change))
    return any(f"{scope_of(edit).module}.".startswith(inside) for edit in edits)


def _path_after(change: Change) -> str:
    return change.after if isinstance(change, Renamed) and change.kind == "scope" else scope_of(change).module


def _is_edit(change: Change) -> bool:
    """Whether *change* is of the work itself, and neither handed on nor a matter of spelling."""
    if isinstance(change, Altered):
        return not change.follows and not is_spelling(change) and change.after.beneath is None
    return isinstance(change, (Added, Removed, LeafChanged))


def _lies_elsewhere(change: Renamed, moved: Mapping[str, str]) -> bool:
    """Whether the parent after is not what became of the parent before."""
    parent = _parent(change.before)
    return moved.get(parent, parent) != _parent(change.after)


def spelled(_: Finding, _difference: Difference) -> Cause:
    """An argument that is given otherwise and means the same."""
    return Cause("same-argument", "")


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def order(finding: Finding, _: Difference) -> Cause | None:
    """Operations in another order or another module."""
    moves = [change for change in changes_of(finding) if isinstance(change, Moved)]
    if any(change.before.scope != change.after.scope for change in moves):
        return Cause("moved-module", "the same work is done in another module")
    writes = any(change.writes for change in moves)
    hint = AROUND_A_WRITE if writes else "independent operations may run in any order"
    return Cause("reordered", hint) if moves else None


AROUND_A_WRITE = "a value is read on the other side of what writes it in place: the numbers may be others"


def backend(finding: Finding, difference: Difference) -> Cause | None:
    """Other operations beneath an API call."""
    changes = list(changes_of(finding))
    if any(isinstance(change, Altered) and change.follows for change in changes):
        return None
    scopes = set(map(scope_of, changes))
    edited = any(_calls_otherwise(each) and scope_of(each) in scopes for each in difference.changes)
    return Cause("other-backend", "" if edited else "PyTorch chose another kernel for the same call")


def _calls_otherwise(change: Change) -> bool:
    """Whether an API call has other arguments or operands than before."""
    return isinstance(change, Altered) and isinstance(change.after.item, Semantic) and not change.follows


RULES: tuple[tuple[Kind, Rule], ...] = (
    ("input", inputs),
    ("sync", sync),
    ("copy", copy),
    ("operation", padded),
    ("scope", module),
    ("state", held),
    ("memory", held_bytes),
    ("memory", saved),
    ("argument", number),
    ("cast", made_in_type),
    ("argument", made_in_type),
    ("name", name),
    ("spelling", spelled),
    ("order", order),
    ("backend", backend),
)
"""Which rule looks at which kind of finding; the first that says something is heard."""


def cause_of(finding: Finding, difference: Difference) -> Cause | None:
    """The likely cause of *finding*, where a rule knows one."""
    said = (rule(finding, difference) for kind, rule in RULES if finding.kind == kind)
    return next((cause for cause in said if cause), None)
