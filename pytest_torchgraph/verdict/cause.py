"""Likely causes: a table of rules, each of which looks at one finding and says a sentence or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from pytest_torchgraph.diff.change import Added, Altered, Change, Field, Removed, RunChanged, Site, Value, packet_of
from pytest_torchgraph.graph.program import Given
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
)
"""Which rule looks at which kinds of findings; the first that says something is heard."""


def hint_for(finding: Finding) -> str:
    """The likely cause of *finding*, or nothing."""
    said = (rule(finding) for kinds, rule in RULES if finding.kind in kinds)
    return next((sentence for sentence in said if sentence), "")
