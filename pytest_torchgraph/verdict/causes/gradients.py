"""What goes backward: forward work that is the same, and is differentiated though it was not, or no longer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from pytest_torchgraph.canonical.cursor import module_path
from pytest_torchgraph.canonical.paths import absolute
from pytest_torchgraph.canonical.program import Block, Given, Item, RecomputedCall, Work
from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    Called,
    Change,
    Difference,
    Field,
    LeafChanged,
    LoopChanged,
    MetricChanged,
    Removed,
    RunChanged,
    Site,
)
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.collective import kind_of
from pytest_torchgraph.recorded.phase import BACKWARD, FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    distinct,
    module_of,
    named_places,
    operations_of,
    work_names,
)
from pytest_torchgraph.verdict.finding import Kind
from pytest_torchgraph.verdict.kind import syncs_in
from pytest_torchgraph.verdict.title import metric_text
from pytest_torchgraph.words.counting import listed, times

SUM = "aten.add"
"""What sums the gradients of a value that is read twice."""
PLUMBING = frozenset(
    f"aten.{name}"
    for name in (
        *("add", "add_", "sum", "clone", "copy_", "fill_", "cat", "stack", "constant_pad_nd"),
        *("zeros", "zeros_like", "new_zeros", "ones_like", "empty_like", "new_empty_strided"),
        *(f"{view}_backward" for view in ("slice", "select", "as_strided", "diagonal", "unfold")),
    )
)
"""What the backward pass does for views, to sum, and to lay gradients out as their parameters: another way of reading
the same value brings these, too."""
METRICS = frozenset({"saved", "gradients", "state"})
GAINED = "the forward work is the same: a no_grad() or .detach() seems to be lost there"
TRAINED = "a no_grad(), .detach() or requires_grad_(False) is lost; the forward work is the same"
ELSEWHERE = "a torch.no_grad() or .detach() seems to be lost there, or a requires_grad_(False)"
"""What may have gained a gradient beside other edits of the forward pass."""
CUT = "a .detach() or torch.no_grad() has appeared there; gradients lack a part"
STOPPED = "a .detach(), no_grad() or requires_grad_(False) is new before the loss"
UNTRAINED = f"{STOPPED}; same outputs"


def differentiated(seen: Seen) -> Iterator[Claim]:
    """Backward work that came or went for forward work that has not changed.

    Parameters that get a gradient newly or no longer are told whatever else changed. Operations are told where neither
    a mode nor what the forward pass reads of parameters changed, and other views cannot have brought them.
    """
    if not all(seen.difference.metric("backward.ops")):
        return
    edits = _forward_edits(seen)
    went, came = _gradients(seen, seen.removed, 0), _gradients(seen, seen.added, 1)
    sides: tuple[tuple[list[Come], list[Come], set[str], set[str], bool], ...] = (
        ([*seen.removed], [*seen.added], went, came, False),
        ([*seen.added], [*seen.removed], came, went, True),
    )
    for changes, others, here, there, more in sides:
        found = _found(changes, others, edits)
        told = here - there if _trains_others(seen.difference, more=more) else set()
        is_held = _holds_the_same(seen.difference)
        told = {name for name in told if not any(_calls(edit, name) for edit in edits)}
        names = sorted(name for name in told if is_held or not any(_reads(edit, name) for edit in edits))
        found = found or [change for change in changes if phase_of(change) == BACKWARD and _named_by(change) & {*names}]
        alone = not edits and len(found) == len(changes) + len(others)
        if (found and names) or (_is_derived(found, alone=alone) and _is_sure(seen.difference)):
            yield _claim(seen, found, names, more=more)


def _trains_others(difference: Difference, *, more: bool) -> bool:
    """Whether gradients take more memory, or less: where they do not, a parameter gets its gradient by another way."""
    before, after = (amount or 0 for amount in difference.metric("gradients"))
    return after > before if more else after < before


def _holds_the_same(difference: Difference) -> bool:
    """Whether the model has as many bytes of parameters as before: then none of them is gone or new."""
    before, after = difference.metric("parameters")
    return before is not None and before == after


def _is_edit(change: Change) -> bool:
    if isinstance(change, (Added, Removed)):
        return not isinstance(change.site.item, Given)
    return isinstance(change, (LeafChanged, Called)) or (isinstance(change, Altered) and not change.follows)


def _gradients(seen: Seen, changes: Iterable[Come], side: int) -> set[str]:
    """Full names of the parameters for which *changes* make a gradient, or what was altered does on that side."""
    sites = [change.site for change in changes]
    sites += [(change.before, change.after)[side] for change in seen.altered]
    return {name for site in sites for name in parameters_of(site)}


def _named_by(change: Come) -> set[str]:
    return set(parameters_of(change.site))


def parameters_of(site: Site) -> Iterator[str]:
    """Full names of the parameters whose gradients are made at *site*."""
    for name in _gradients_of(site.item, site.around):
        if name.endswith(".grad"):
            yield name.removesuffix(".grad")


def _gradients_of(item: Item, around: tuple[str, ...]) -> Iterator[str]:
    """Full names of what becomes of the results of *item*, which stands in the modules at the paths *around*."""
    if isinstance(item, Work):
        yield from (absolute(name, around) for _, name in item.becomes)
    elif isinstance(item, Block):
        inside = module_path(item, around)
        for inner in item.items:
            yield from _gradients_of(inner, (inside, *around))


def _reads(edit: Change, parameter: str) -> bool:
    """Whether *edit* is forward work on the parameter that came or went itself, or reads it newly or no longer."""
    if isinstance(edit, Altered):
        before, after = ({value.path for value in site.reads} for site in (edit.before, edit.after))
        return parameter in before ^ after
    if not isinstance(edit, (Added, Removed)):
        return False
    owner = module_of(edit)
    if isinstance(edit.site.item, Block):
        return parameter.startswith(f"{owner}.")
    return any(value.path == parameter for value in edit.site.reads)


def _calls(edit: Change, parameter: str) -> bool:
    """Whether *edit* is that the parameter's module is called in the place of another, or no longer."""
    return isinstance(edit, Called) and parameter.startswith((f"{edit.before}.", f"{edit.after}."))


def _found(changes: list[Come], others: list[Come], edits: list[Change]) -> list[Come]:
    """Backward work of modules in which nothing else changed, what does more than hand gradients on first."""
    edited = set(map(module_of, edits))
    whole = tuple(f"{module_of(edit)}." for edit in edits if _is_block(edit) and module_of(edit))
    replaced = {module_of(change) for change in others if phase_of(change) == BACKWARD}
    found = [
        change
        for change in changes
        if phase_of(change) == BACKWARD
        and module_of(change) not in edited | replaced
        and not module_of(change).startswith(whole)
        and not change.site.scope.is_again
        and not change.idle
        and not isinstance(change.site.item, RecomputedCall)
    ]
    found = _without_those_elsewhere(found, others)
    return sorted(found, key=lambda change: (_hands_on(change), -change.operations))


def _without_those_elsewhere(found: list[Come], others: list[Come]) -> list[Come]:
    """*found* without the work that only stands elsewhere: operations of the same names are among the *others*."""
    elsewhere = [change for change in others if phase_of(change) == BACKWARD]
    names = Counter(name for change in elsewhere for name in work_names(change.site))
    kept = []
    for change in found:
        own = Counter(work_names(change.site))
        if own <= names:
            names -= own
        else:
            kept.append(change)
    return kept


def _is_block(change: Change) -> bool:
    return isinstance(change, (Added, Removed)) and isinstance(change.site.item, Block)


def _hands_on(change: Come) -> bool:
    return set(work_names(change.site)) <= PLUMBING


def _is_derived(found: list[Come], *, alone: bool) -> bool:
    """Whether *found* is more than views can bring; sums *alone* tell of one more reader."""
    names = {name for change in found for name in work_names(change.site)}
    return bool(names - PLUMBING) or (names == {SUM} and alone)


def _is_sure(difference: Difference) -> bool:
    """Whether nothing else changed that brings backward work with it, or takes it away."""
    return not any(isinstance(change, RunChanged) or _brings_work(change) for change in difference.changes)


def _brings_work(change: Change) -> bool:
    """Whether *change* is a module or an operation on a parameter of the forward pass, or what only hooks may do.

    Those are modules that run again, operations between ranks, and reads by the host.
    """
    if not isinstance(change, (Added, Removed)):
        return False
    if syncs_in(change.site.item) or any(map(kind_of, work_names(change.site))):
        return True
    if isinstance(change.site.item, Block):
        return phase_of(change) == FORWARD or isinstance(change.site.item, RecomputedCall)
    return phase_of(change) == FORWARD and any(value.path for value in change.site.reads)


def _claim(seen: Seen, found: list[Come], names: list[str], *, more: bool) -> Claim:
    loops = [change for change in seen.changes if names and isinstance(change, LoopChanged)]
    moved = [change for change in seen.changes if isinstance(change, MetricChanged) and change.name in METRICS]
    moved = [change for change in moved if ((change.after or 0) > (change.before or 0)) is more]
    changes = distinct((*found, *_rewired(seen, found), *loops, *moved))
    cause, title = (_gained if more else _lost)(seen.difference, found, names)
    follows = bool(names) and _belong_to_modules(seen, names)
    edits = _forward_edits(seen)
    if more and names and (follows or edits):
        title = _trained_text(names)
    if names and edits:
        read_otherwise = all(any(_reads(edit, name) for edit in edits) for name in names)
        hints = (READ, UNREAD) if read_otherwise else (ELSEWHERE, STOPPED)
        cause = Cause(cause.name, hints[0] if more else hints[1])
    kind: Kind = "follow" if follows else "operation"
    return Claim(cause, kind, title, changes, "more" if more else "other")


def _belong_to_modules(seen: Seen, names: list[str]) -> bool:
    """Whether all the parameters are of modules whose calls came or went: that says it first."""
    blocks = [change for change in seen.came_and_went if _is_block(change) and phase_of(change) == FORWARD]
    return all(any(_reads(block, name) for block in blocks) for name in names)


def _forward_edits(seen: Seen) -> list[Change]:
    """What the forward pass does otherwise, whichever story tells it."""
    return [change for change in seen.difference.changes if phase_of(change) == FORWARD and _is_edit(change)]


UNREAD = "the forward pass reads them no longer, though the model still holds them"
READ = "the forward pass reads them now, which it did not, though the model held them"


def _rewired(seen: Seen, found: list[Come]) -> Iterator[Altered]:
    """Backward work that reads the sum of other gradients, makes more or less of them, or lies beside the rest."""
    modules = set(map(module_of, found))
    for change in seen.altered:
        if phase_of(change) == BACKWARD and (module_of(change) in modules or all(map(_is_wiring, change.fields))):
            yield change


def _is_wiring(field: Field) -> bool:
    """Whether *field* says only which gradients are read and made."""
    return field.kind in ("operand", "geometry", "part", "result") or field.name.startswith("output_mask")


def _gained(difference: Difference, found: list[Come], names: list[str]) -> tuple[Cause, str]:
    where, saved = named_places(_deriving(found)), _saved(difference)
    if not names:
        return Cause("gradient-added", GAINED), f"{saved}more of {where} is differentiated ({_count(found)})"
    title = f"{saved}more of {where} is differentiated ({_count(found)}), {_trained_text(names)}"
    return Cause("gradient-added", TRAINED), title


def _trained_text(names: list[str]) -> str:
    more = "parameter more gets" if len(names) == 1 else "parameters more get"
    return f"{len(names)} {more} a gradient: {_few(names)}"


def _few(names: list[str]) -> str:
    return listed(names, 3)


def _lost(_: Difference, found: list[Come], names: list[str]) -> tuple[Cause, str]:
    if not names:
        title = f"gradient lost: part of {named_places(_deriving(found))} is differentiated no longer ({_count(found)})"
        return Cause("gradient-lost", CUT), title
    less = f"{times(len(names), 'parameter')} {'gets' if len(names) == 1 else 'get'}"
    return Cause("gradient-lost", UNTRAINED), f"gradient lost: {less} no gradient any more: {_few(names)}"


def _count(found: list[Come]) -> str:
    return times(operations_of(found), "operation", "+d")


def _saved(difference: Difference) -> str:
    """``saved 5.1 KiB -> 7.1 KiB (+39.5%): ``; empty where the forward pass keeps no more than it did."""
    before, after = difference.metric("saved")
    if before is None or after is None or after <= before:
        return ""
    return f"{metric_text(MetricChanged('saved', before, after))}: "


def _deriving(found: Iterable[Come]) -> list[Come]:
    """What does more than hand gradients on; all where nothing does."""
    every = list(found)
    return [change for change in every if not _hands_on(change)] or every
