"""Training mode and autograd switched, with what follows from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from pytest_torchgraph.canonical.program import Block
from pytest_torchgraph.diff.change import Added, Altered, Change, Field, Replaced, RunChanged
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.kinds import ATTENTION_CALLS
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    Side,
    both_ways,
    distinct,
    module_of,
    named_places,
    numbers_of,
    operations_of,
    packet,
)
from pytest_torchgraph.words.counting import times

MIXED = "mixed"
UNTOLD = "none"
"""No module says whether it trains: a plain function, an exported program."""
TRAINING, EVALUATION = ("eval", "train"), ("train", "eval")
MODES: Mapping[tuple[str, str], Cause] = {
    TRAINING: Cause("training-mode", "the model is in training mode (dropout, batch statistics); was .eval() dropped?"),
    EVALUATION: Cause("evaluation-mode", "the model is in evaluation mode; was .train() dropped?"),
    ("no_grad", "grad"): Cause(
        "grad-in-evaluation",
        "the run builds an autograd graph now; torch.no_grad() dropped?",
    ),
    ("grad", "no_grad"): Cause(
        "grad-off", "the run no longer builds an autograd graph: torch.no_grad(), or nothing requires grad"
    ),
}
DROPOUT = frozenset({"aten.native_dropout", "aten.native_dropout_backward", "aten.bernoulli_", "aten.bernoulli"})


def mode(seen: Seen) -> Iterator[Claim]:
    """A mode of the run, and the dropout and batch statistics that it switches."""
    for change in seen.changes:
        if isinstance(change, RunChanged):
            pair = (change.before, change.after)
            if MIXED in pair:
                yield _of_some_modules(seen, change)
                continue
            driven = driven_by_training(seen) if pair in (TRAINING, EVALUATION) else []
            title = f"run: {change.before or 'unset'} -> {change.after or 'unset'}"
            yield Claim(MODES.get(pair, Cause("", "")), "run", title, (change, *driven), idle=UNTOLD in pair)


def _of_some_modules(seen: Seen, change: RunChanged) -> Claim:
    """Modules that are in another mode than they were, while the rest is not; a note where none of them acts on it."""
    trains = change.after == "train" or change.before == "eval"
    driven = [each for each in driven_by_training(seen) if _as_in_training(each) is trains]
    run = f"run: {change.before} -> {change.after}"
    if not driven:
        return Claim(Cause("", ""), "run", run, (change,), idle=True)
    places = named_places(each for each in driven if phase_of(each) == FORWARD)
    as_in = f"as in {'training' if trains else 'evaluation'} mode"
    cause = Cause("training-mode", SOME_TRAIN) if trains else Cause("evaluation-mode", SOME_DO_NOT)
    return Claim(cause, "run", f"{places}: {as_in} now ({run})", (*driven, change))


SOME_TRAIN = "these modules train (dropout, batch statistics); was .train() called, or .eval() left out, for them?"
SOME_DO_NOT = "these modules do not train; was .eval() called, or .train() left out, for them?"


def _as_in_training(change: Change) -> bool:
    """Whether what drives *change* is that its module is in training mode now, not in evaluation mode."""
    match change:
        case Added():
            return True
        case Altered(fields=fields):
            return any(field.name in SWITCHES and bool(field.after) for field in fields)
        case _:
            return False


SWITCHES = frozenset({"training", "train", "dropout_p"})


def driven_by_training(seen: Seen) -> list[Change]:
    """Dropout that came or went, and batch norms that take their statistics elsewhere."""
    dropped: list[Change] = [change for change in seen.came_and_went if is_dropout(change)]
    switched = [change for change in seen.altered if _is_driven(change)]
    norms = {module_of(change) for change in switched if "batch_norm" in change.after.name}
    counted = [change for change in seen.came_and_went if module_of(change) in norms and packet(change) == COUNTS]
    return [*dropped, *switched, *counted]


COUNTS = "aten.add_"
"""How a batch norm in training counts the batches that it has seen."""


def is_dropout(change: Come) -> bool:
    """Whether a dropout came or went."""
    item = change.site.item
    module = item.class_name if isinstance(item, Block) else change.site.class_name
    return packet(change) in DROPOUT or ("Dropout" in module and not change.site.beneath)


def _is_driven(change: Altered) -> bool:
    names = {field.name for field in change.fields}
    name = packet_of(change.after.name)
    if name in ATTENTION_CALLS:
        return names == {"dropout_p"}
    return "batch_norm" in name and bool(names & SWITCHES) and all(map(_follows_switch, change.fields))


def _follows_switch(field: Field) -> bool:
    """Whether it is the switch of a batch norm, or what is made and read otherwise with it."""
    return field.name in SWITCHES or field.kind in ("shape", "stride", "result", "operand", "geometry")


def dropout_rewritten(seen: Seen) -> Iterator[Claim]:
    """Dropout that modules did before, too, and by other operations."""
    came, went = (
        {module_of(change) for change in side if is_dropout(change) and phase_of(change) == FORWARD}
        for side in (seen.added, seen.removed)
    )
    modules = came & went
    if not modules:
        return
    found = [change for change in seen.came_and_went if module_of(change) in modules]
    beside = [
        change for change in seen.changes if isinstance(change, (Altered, Replaced)) and module_of(change) in modules
    ]
    forward = [change for change in found if phase_of(change) == FORWARD]
    count = times(operations_of(found), "operation", "+d")
    title = f"dropout is done by other operations in {named_places(forward)} ({count})"
    yield Claim(Cause("dropout", REWRITTEN), "operation", title, distinct((*forward, *found, *beside)))


REWRITTEN = "values are dropped as before, by the model's own operations or by PyTorch's"


@both_ways
def dropout(side: Side) -> Iterator[Claim]:
    """Dropout that came or went though the mode is the same."""
    found = [change for change in side.changes if is_dropout(change)]
    if found:
        cause = Cause("dropout", "dropout runs in training mode only; its rate, or a layer of it, changed")
        count = times(operations_of(found), "operation", "+d")
        title = f"dropout {'in' if side.more else 'no longer in'} {named_places(found)} ({count})"
        yield Claim(cause, "operation", title, tuple(found), "more" if side.more else "fewer")


def dropout_rate(seen: Seen) -> Iterator[Claim]:
    """Dropout that drops another share of the values than before."""
    found: dict[tuple[float, float], list[Altered]] = defaultdict(list)
    for change in seen.altered:
        rates = _rates(change)
        if rates:
            found[rates].append(change)
    for (before, after), changes in found.items():
        modules = set(map(module_of, changes))
        scaled = [each for each in seen.altered if module_of(each) in modules and _scales_kept(each, before, after)]
        title = f"dropout drops {after:g} of the values, {before:g} before, in {named_places(changes)}"
        yield Claim(Cause("dropout", "its rate (p) was changed"), "argument", title, distinct((*changes, *scaled)))


def _rates(change: Altered) -> tuple[float, float] | None:
    """The shares of values dropped before and after, where nothing else differs."""
    name, numbers = packet_of(change.after.name), numbers_of(change)
    if numbers is None or name not in ("aten.bernoulli_", "aten.native_dropout"):
        return None
    keeps = name == "aten.bernoulli_"
    return (_left(numbers[0]), _left(numbers[1])) if keeps else numbers


def _scales_kept(change: Altered, before: float, after: float) -> bool:
    """Whether *change* divides what was not dropped by the share of it."""
    numbers = numbers_of(change)
    return (
        packet_of(change.after.name) in ("aten.div_", "aten.div")
        and numbers is not None
        and {_left(numbers[0]), _left(numbers[1])} == {before, after}
    )


def _left(share: float) -> float:
    """What *share* leaves of 1, without the digits that the difference has too many."""
    return round(1 - share, 12)
