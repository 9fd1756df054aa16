"""Training mode and autograd switched, with what follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_torchgraph.canonical.program import Block
from pytest_torchgraph.diff.change import Added, Altered, Change, RunChanged
from pytest_torchgraph.recorded.kinds import ATTENTION_CALLS
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import Claim, Come, Seen, module_of, operations_of, packet
from pytest_torchgraph.words.counting import times

MIXED = "mixed"
TRAINING, EVALUATION = ("eval", "train"), ("train", "eval")
MODES: Mapping[tuple[str, str], Cause] = {
    TRAINING: Cause("training-mode", "the model is in training mode (dropout, batch statistics); was .eval() dropped?"),
    EVALUATION: Cause("evaluation-mode", "the model is in evaluation mode; was .train() dropped?"),
    ("no_grad", "grad"): Cause(
        "grad-in-evaluation",
        "the run now builds an autograd graph; was torch.no_grad() or requires_grad_(False) dropped?",
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
            is_mixed = MIXED in pair
            driven = driven_by_training(seen) if pair in (TRAINING, EVALUATION) or is_mixed else []
            title = f"run: {change.before or 'unset'} -> {change.after or 'unset'}"
            yield Claim(MODES.get(pair, Cause("", "")), "run", title, (change, *driven), idle=is_mixed and not driven)


def driven_by_training(seen: Seen) -> list[Change]:
    """Dropout that came or went, and batch norms that take their statistics elsewhere."""
    dropped: list[Change] = [change for change in seen.came_and_went if is_dropout(change)]
    return dropped + [change for change in seen.altered if _is_driven(change)]


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
    return "batch_norm" in name and names <= {"training", "train", "number of results"}


def dropout(seen: Seen) -> Iterator[Claim]:
    """Dropout that came or went though the mode is the same."""
    found = [change for change in seen.came_and_went if is_dropout(change)]
    if found:
        more = isinstance(found[0], Added)
        cause = Cause("dropout", "dropout runs in training mode only; its rate, or a layer of it, changed")
        places = times(len({module_of(change) for change in found}), "place")
        title = f"dropout in {places} {'more' if more else 'less'} ({times(operations_of(found), 'operation', '+d')})"
        yield Claim(cause, "operation", title, tuple(found), "more" if more else "fewer")
