"""What is told first: what explains the rest, then losses, then other edits and wins, then what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_torchgraph.diff.change import Added, Altered, Change, LeafChanged, LoopChanged, Moved, Removed, RunChanged
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.cause import tone_of
from pytest_torchgraph.verdict.finding import Finding, Kind
from pytest_torchgraph.verdict.title import balance

WORK: tuple[Kind, ...] = ("cast", "copy", "scope", "operation", "argument")
EDITS = frozenset({*WORK, "attention", "sync"})
"""Kinds that an edit of the model shows as, and that bring others with them."""
EXPLAIN, FIRST, LOSS, EDIT, LOOK, BEHIND, ORDER, MEMORY, COUNT, FOLLOW, NAME, BOOKKEEPING = range(12)
PLACES: Mapping[Kind, int] = {
    **dict.fromkeys(("budget", "run", "compile", "input", "state"), EXPLAIN),
    **dict.fromkeys(EDITS, EDIT),
    **dict.fromkeys(("look", "output"), LOOK),
    "order": ORDER,
    "memory": MEMORY,
    "count": COUNT,
    **dict.fromkeys(("follow", "backend"), FOLLOW),
    **dict.fromkeys(("name", "spelling"), NAME),
    "bookkeeping": BOOKKEEPING,
}
CAUSE_PLACES: Mapping[str, int] = {
    **dict.fromkeys(("gradient-lost", "phase-added", "phase-removed"), FIRST),
    **dict.fromkeys(("recompiled", "recompile-removed", "dynamic-sizes"), FIRST),
    **dict.fromkeys(
        (
            *("checkpointing-on", "checkpointing-off", "checkpointing-twice", "checkpointing-once"),
            *("unsharded", "sharded", "redistribution", "redistribution-removed", "gathered-again", "gathered-once"),
            *("reduction", "other-ranks"),
            *("checkpointing-whole", "checkpointing-early-stop", "recomputed", "kept"),
        ),
        FIRST,
    ),
    **dict.fromkeys(("gradient-added", "other-parameters", "kept-alive"), LOSS),
    "communication-removed": ORDER,
}
"""Places of causes that matter more or less than their kind."""
SAVED: Mapping[str, int] = {"saved-more": LOSS, "saved-less": ORDER}
"""Places of what autograd keeps where nothing else was edited."""
SLIGHT = 50
"""A loss of operations that costs less than to write one part in this many of the peak is slight."""
SMALL: frozenset[Kind] = frozenset({"operation", "copy", "argument"})
"""Kinds whose losses may be slight."""
KINDS: Mapping[Kind, int] = {"attention": 0, "sync": 1}
"""Among equals these kinds come first, all others by what they cost."""
FLOPS_PER_BYTE = 16
"""FLOPs that weigh as much as a byte that is written.

So a product of single precision weighs more than writing its result where its inner size is above 32. Processors have
more of them to a byte of their memory's bandwidth, some ten times as many: there products are told too early.
"""
CAUSES: Mapping[str, int] = {
    **dict.fromkeys(("experts-grouped", "experts-looped"), -1),
    **dict.fromkeys(("mask-materialised", "mask-removed", "mask-rebuilt", "traced-branch"), 2),
}
"""Causes that come before the others among equals, or after them: experts are most of a layer, masks decide which
attention kernel can run, and of what compiling changes only a branch of the model's own is not the compiler's doing."""
OTHERS, READS_NEW_MODULE, LAST = 3, 4, 5
BY_LAYOUT = frozenset({"bias-apart", "bias-within"})
"""Causes that follow from how something lies in memory, which another edit changed."""


def ranked(findings: Iterable[Finding], peaks: tuple[int, int] = (0, 0)) -> tuple[Finding, ...]:
    """*findings* as they are told: those that fail first, losses before wins, an edit before what follows from it.

    *peaks* are the bytes at the peak before and after: a loss that costs next to nothing beside that is told with the
    other edits, as is new memory that the peak did not need.
    """
    found = list(findings)
    edits = [each for each in found if each.severity == "fail" and _is_edit(each)]
    modules = [change for each in found if each.kind == "scope" for change in changes_of(each)]
    plain = [each for each in found if each.kind == "operation" and not each.cause]
    beside = Beside(
        has_edit=bool(edits),
        behind=BY_LAYOUT if any(each.cause not in BY_LAYOUT for each in edits) else frozenset(),
        readers=frozenset(id(each) for each in plain if _reads(each, modules)),
        peaks=peaks,
    )
    return tuple(sorted(found, key=lambda each: _rank(each, beside)))


@dataclass(frozen=True, slots=True)
class Beside:
    """What else a report tells: whether there is an edit, and the bytes at the peak before and after.

    Findings of the causes ``behind`` follow from others of the report; ``readers`` are the ids of those that read what
    a module returns which came or went with them.
    """

    has_edit: bool
    behind: frozenset[str]
    readers: frozenset[int]
    peaks: tuple[int, int]


def _reads(finding: Finding, modules: Iterable[Change]) -> bool:
    """Whether operations that came or went read what a module returns that did so beside them."""
    sites = [change.site for change in changes_of(finding) if isinstance(change, (Added, Removed))]
    calls = [change.site for change in modules if isinstance(change, (Added, Removed))]
    return any(
        call.body is not None and call.body is site.body and any(value.name == f"%{call.name}" for value in site.reads)
        for call in calls
        for site in sites
    )


def _is_edit(finding: Finding) -> bool:
    """Whether the forward pass does something else by it."""
    shows_as_edit = finding.kind in EDITS or finding.kind == "look"
    return (shows_as_edit and not _lies_behind(finding)) or _is_of_some_modules(finding)


def _rank(finding: Finding, beside: Beside) -> tuple[object, ...]:
    place = BEHIND if finding.cause in beside.behind else _place(finding, has_edit=beside.has_edit)
    needs_no_more = _moves_no_peak(finding, beside.peaks)
    cost = finding.cost + finding.flops // FLOPS_PER_BYTE
    slight = cost * SLIGHT < max(beside.peaks) or needs_no_more
    if place == LOSS and finding.kind in SMALL and slight:
        place = EDIT
    others = READS_NEW_MODULE if id(finding) in beside.readers else OTHERS
    kind = LAST if needs_no_more else CAUSES.get(finding.cause, KINDS.get(finding.kind, others))
    is_saving = not finding.cause and (finding.direction == "fewer" or balance(finding.groups) < 0)
    return finding.severity != "fail", place, kind, is_saving, -cost, not finding.cause, -finding.size


def _moves_no_peak(finding: Finding, peaks: tuple[int, int]) -> bool:
    """Whether work in place, or no longer, is told of which the peak is none the worse, or the better."""
    before, after = peaks
    return (finding.cause == "out-of-place" and after <= before) or (finding.cause == "in-place" and after >= before)


def _place(finding: Finding, *, has_edit: bool) -> int:
    if _comes_with_model(finding):
        return FOLLOW
    if finding.kind != "follow" and finding.cause in CAUSE_PLACES:
        return CAUSE_PLACES[finding.cause]
    if finding.kind == "state" and finding.cause in ("other-weight", "other-dimensions"):
        return LOOK
    if finding.cause in SAVED and not has_edit:
        return SAVED[finding.cause]
    if finding.kind in EDITS:
        return _edit_place(finding, has_edit=has_edit)
    changes_edits = finding.kind == "input" and finding.direction != "other"
    usual = FIRST if finding.kind == "order" and finding.severity == "fail" else PLACES[finding.kind]
    return EDIT if changes_edits else LOOK if _is_of_some_modules(finding) else usual


def _edit_place(finding: Finding, *, has_edit: bool) -> int:
    if finding.kind == "attention" and all(map(_is_within, changes_of(finding))):
        return LOOK
    if has_edit and finding.kind != "sync" and _lies_behind(finding):
        return BEHIND
    return LOSS if tone_of(finding.cause) == "loss" or _is_dearer(finding) else EDIT


def _is_of_some_modules(finding: Finding) -> bool:
    """Whether some modules are in another mode than the rest: that is told after what they do."""
    return any(
        isinstance(change, RunChanged) and MIXED in (change.before, change.after) for change in changes_of(finding)
    )


MIXED = "mixed"


def _comes_with_model(finding: Finding) -> bool:
    """Whether nothing differs but which parameters are trained, and those came or went with the model's own."""
    changes = changes_of(finding)
    return bool(changes) and all(isinstance(change, LoopChanged) and change.with_model for change in changes)


def _is_dearer(finding: Finding) -> bool:
    """Whether a cause that can go either way is a loss here."""
    return finding.cause == "attention-path" and finding.direction == "more"


def _lies_behind(finding: Finding) -> bool:
    """Whether everything in *finding* is behind the forward pass, or copies what lies otherwise in memory than before.

    Wrong where a model edits its own backward formulas and its forward pass at once: both are told, the forward first.
    """
    changes = changes_of(finding)
    return bool(changes) and all(map(_is_behind, changes))


def changes_of(finding: Finding) -> list[Change]:
    """All changes behind *finding*."""
    return [change for group in finding.groups for change in group.changes]


def _is_within(change: Change) -> bool:
    return isinstance(change, (Added, Removed)) and change.within


def _is_behind(change: Change) -> bool:
    if isinstance(change, (Added, Removed)) and change.follows:
        return True
    has_phase = isinstance(change, (Added, Removed, Altered, Moved, LeafChanged, LoopChanged))
    return has_phase and phase_of(change) != FORWARD
