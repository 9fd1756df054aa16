"""Likely causes: a table of rules, each of which looks at one finding and says a sentence or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from pytest_torchgraph.diff.change import (
    Added,
    Altered,
    Change,
    Field,
    LeafChanged,
    MetricChanged,
    Removed,
    RunChanged,
    Site,
    Value,
    packet_of,
)
from pytest_torchgraph.graph.program import Block, Given
from pytest_torchgraph.verdict.finding import Finding, Kind
from pytest_torchgraph.verdict.kind import result_spec

Rule: TypeAlias = "Callable[[Finding], str]"
HALVES = frozenset({"bfloat16", "float16"})


def changes_of(finding: Finding) -> Iterator[Change]:
    """The first change of each group behind *finding*."""
    return (group.first for group in finding.groups)


def added_sites(finding: Finding) -> Iterator[Site]:
    """Where something was added, once for each group."""
    return (change.site for change in changes_of(finding) if isinstance(change, Added))


def altered_fields(finding: Finding) -> Iterator[Field]:
    """The fields that differ, of each group's first change."""
    return (field for change in changes_of(finding) if isinstance(change, Altered) for field in change.fields)


def mode(finding: Finding) -> str:
    """Training mode or gradients were switched."""
    pairs = {(change.before, change.after) for change in changes_of(finding) if isinstance(change, RunChanged)}
    for (before, after), sentence in MODES.items():
        if (before, after) in pairs:
            return sentence
    return ""


MODES = {
    ("eval", "train"): "the model is in training mode (dropout, batch statistics); was .eval() dropped?",
    ("train", "eval"): "the model is in evaluation mode; was .train() dropped?",
    ("no_grad", "grad"): "the run now builds an autograd graph; was torch.no_grad() or requires_grad_(False) dropped?",
    (
        "grad",
        "no_grad",
    ): "the run no longer builds an autograd graph: torch.no_grad(), or nothing requires grad",
}


def passed_mask(finding: Finding) -> str:
    """An attention call that had no mask is given one."""
    for field in altered_fields(finding):
        if field.name == "attn_mask" and field.before is None and isinstance(field.after, Value):
            return "a mask that is passed rules out the flash kernel on CUDA, and grows with batch x query x key length"
    return ""


def gqa(finding: Finding) -> str:
    """Grouped attention is left to the kernel, or no longer."""
    for field in altered_fields(finding):
        if field.name == "enable_gqa":
            return (
                "keys and values are shared by the kernel; for some head sizes CUDA falls back to the math kernel"
                if field.after
                else "keys and values are repeated before the call instead of being shared by the kernel"
            )
    return ""


def attention_dropout(finding: Finding) -> str:
    """Dropout inside attention."""
    for field in altered_fields(finding):
        if field.name == "dropout_p" and field.after:
            return "dropout inside attention is for training, and restricts which kernel can run"
    return ""


def by_hand(finding: Finding) -> str:
    """Fused attention is gone."""
    gone = any(isinstance(change, Removed) for change in changes_of(finding))
    if gone and finding.direction == "fewer":
        return 'attention is computed by separate operations (attn_implementation="eager", output_attentions=True?)'
    return ""


SYNC_CAUSES = {
    "aten._local_scalar_dense": "a tensor is used as a Python number or bool (.item(), `if tensor:`, `.all()`)",
    "aten.is_nonzero": "a tensor is used as a Python bool",
    "aten.equal": "torch.equal answers a Python bool",
    "aten.nonzero": "the size of the result depends on the data (nonzero, one-argument where, indexing with a mask)",
    "aten.masked_select": "the size of the result depends on the data (masked_select, indexing with a mask)",
}


def sync(finding: Finding) -> str:
    """The host reads from the device."""
    for site in added_sites(finding):
        cause = SYNC_CAUSES.get(packet_of(site.name))
        if cause:
            return f"{cause}; free on a CPU, on CUDA the host waits for the device"
    return ""


def copied_view(finding: Finding) -> str:
    """A copy that only makes a view contiguous, or an expanded tensor real."""
    for site in added_sites(finding):
        geometry = site.reads[0].geometry if site.reads else None
        if geometry and 0 in geometry.stride:
            return "an expanded tensor is written out in full (repeat_kv, .expand(...).reshape(...))"
        if geometry and not geometry.is_contiguous:
            return "a transposed or sliced view is copied (.contiguous(), .reshape()); many operations read views"
    return ""


def plain_copy(finding: Finding) -> str:
    """A copy of something that lies in one piece already."""
    if next(added_sites(finding), None) is not None:
        return "the same values are written to other memory (.clone(), copy_); is the copy needed?"
    return ""


def upcast(finding: Finding) -> str:
    """Half precision became float32, or the other way round."""
    for site in added_sites(finding):
        made = result_spec(site)
        read = site.reads[0].spec if site.reads else None
        if made and read and read.dtype in HALVES and made.dtype == "float32":
            return f"an upcast to float32 (.float(), autocast): {made.text} takes twice the bytes of its source"
    for field in altered_fields(finding):
        if field.kind == "dtype" and field.before in HALVES and field.after == "float32":
            return "work that was done in half precision is done in float32"
    return ""


def input_changed(finding: Finding) -> str:
    """The test's own inputs are others."""
    for change in changes_of(finding):
        if isinstance(change, Altered) and isinstance(change.after.item, Given):
            return "the test passes other inputs; the model itself need not have changed"
    return ""


def dropout_inactive(finding: Finding) -> str:
    """Dropout came or went."""
    sites = (change.site for change in changes_of(finding) if isinstance(change, (Added, Removed)))
    dropped = any(packet_of(site.name) in ("aten.native_dropout", "aten.bernoulli_") for site in sites)
    return "dropout runs in training mode only" if dropped else ""


def added_module(finding: Finding) -> str:
    """A whole module call more."""
    for site in added_sites(finding):
        if isinstance(site.item, Block):
            called_before = site.item.call > 1
            return "its module is called once more in the same scope" if called_before else NEWLY_CALLED
    return ""


NEWLY_CALLED = "a module that was not called before: a new layer, or one that a setting switches on"


def other_leaves(finding: Finding) -> str:
    """A parameter or buffer of another dtype or size."""
    pairs = [(change.before, change.after) for change in changes_of(finding) if isinstance(change, LeafChanged)]
    if any(before.dtype != after.dtype for before, after in pairs):
        return "the model is held in another dtype (.half(), .to(dtype), the dtype it is loaded in)"
    if any(before.shape != after.shape for before, after in pairs):
        return "the model is built with other sizes (its configuration)"
    return ""


def held_bytes(finding: Finding) -> str:
    """Parameters or buffers take more or less memory."""
    for change in changes_of(finding):
        if isinstance(change, MetricChanged) and change.name in HELD and change.before and change.after:
            before, after = sorted((change.before, change.after))
            if after == 2 * before:
                return f"{change.name} in a dtype of {'half' if finding.direction == 'fewer' else 'twice'} the width?"
            return HELD[change.name][finding.direction == "fewer"]
    return ""


HELD = {
    "parameters": (
        "more or larger layers, a wider dtype, or weights that are no longer tied",
        "fewer or smaller layers, a narrower dtype, or weights that are now tied",
    ),
    "buffers": (
        "more or larger buffers (a cache, a table of positions, a mask), or a wider dtype",
        "fewer or smaller buffers (a cache, a table of positions, a mask), or a narrower dtype",
    ),
}


def kept_alive(found: Sequence[Finding]) -> str:
    """Why the peak moved, where it moved while no operation did; nothing where parameters or buffers moved too."""
    moved = {change.name for finding in found for change in changes_of(finding) if isinstance(change, MetricChanged)}
    if moved != {"peak"}:
        return ""
    grown = any(finding.kind == "memory" and finding.direction == "more" for finding in found)
    return "values are kept alive longer (a list, a cache, a hook)" if grown else "values are let go of sooner"


def literal(finding: Finding) -> str:
    """A number among the arguments that means more than its value."""
    for change in changes_of(finding):
        if isinstance(change, Altered):
            is_batch_norm = packet_of(change.after.name) == "aten.native_batch_norm"
            for field in change.fields:
                if is_batch_norm and field.name == "training":
                    return BATCH_STATISTICS if field.after is True else RUNNING_STATISTICS
                if _is_same_number(field.before, field.after):
                    return "the same number of another type, which may change the dtype of a result"
    return ""


def _is_same_number(before: object, after: object) -> bool:
    are_numbers = isinstance(before, (bool, int, float)) and isinstance(after, (bool, int, float))
    return are_numbers and type(before) is not type(after) and before == after


BATCH_STATISTICS = "the statistics of the batch are used and the running ones updated, as in training mode"
RUNNING_STATISTICS = "the running statistics are used instead of those of the batch, as in evaluation mode"


RULES: tuple[tuple[frozenset[Kind], Rule], ...] = (
    (frozenset({"run"}), mode),
    (frozenset({"input"}), input_changed),
    (frozenset({"attention"}), passed_mask),
    (frozenset({"attention"}), gqa),
    (frozenset({"attention"}), attention_dropout),
    (frozenset({"attention"}), by_hand),
    (frozenset({"sync"}), sync),
    (frozenset({"copy"}), copied_view),
    (frozenset({"copy"}), plain_copy),
    (frozenset({"cast"}), upcast),
    (frozenset({"operation"}), dropout_inactive),
    (frozenset({"scope"}), added_module),
    (frozenset({"state"}), other_leaves),
    (frozenset({"memory"}), held_bytes),
    (frozenset({"argument"}), literal),
)
"""Which rule looks at which kinds of findings; the first that says something is heard."""


def hint_for(finding: Finding) -> str:
    """The likely cause of *finding*, or nothing."""
    said = (rule(finding) for kinds, rule in RULES if finding.kind in kinds)
    return next((sentence for sentence in said if sentence), "")
