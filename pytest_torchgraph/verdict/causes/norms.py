"""A normalisation that became another one, as its modules or its operations tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pytest_torchgraph.diff.change import Change, Replaced, Site
from pytest_torchgraph.diff.grouping import phase_of
from pytest_torchgraph.recorded.operation import packet_of
from pytest_torchgraph.recorded.phase import FORWARD
from pytest_torchgraph.verdict.causes.cause import Cause
from pytest_torchgraph.verdict.causes.claim import (
    Claim,
    Come,
    Seen,
    distinct,
    is_work,
    module_of,
    packet,
)
from pytest_torchgraph.words.counting import times

LAYER, RMS, GROUP, BATCH, INSTANCE = "layer norm", "RMS norm", "group norm", "batch norm", "instance norm"
KERNELS = {
    "aten.native_layer_norm": LAYER,
    "aten._fused_rms_norm": RMS,
    "aten.native_group_norm": GROUP,
    "aten.native_batch_norm": BATCH,
    "aten._native_batch_norm_legit": BATCH,
    "aten.cudnn_batch_norm": BATCH,
}
WRITTEN_OUT = frozenset({"aten.pow", "aten.mean", "aten.rsqrt", "aten.mul"})
"""What an RMS norm is where there is no kernel for it; a layer norm subtracts the mean or takes the variance, too."""
CENTRED = frozenset({"aten.sub", "aten.var", "aten.var_mean", "aten.std"})
LEAST = 2
"""Dimensions of what is normalised at least: instances and channels."""
HINT = "it computes something else; are its weights made for it?"


def norms(seen: Seen) -> Iterator[Claim]:
    """Modules in which one normalisation went and another came."""
    went, came = _by_module(seen.removed), _by_module(seen.added)
    pairs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for module in went:
        before, after = _norm(went[module]), _norm(came.get(module, []))
        if before and after and before != after:
            pairs[before, after].append(module)
    exchanged: dict[str, list[Change]] = defaultdict(list)
    for change in seen.altered:
        before, after = _kernel(change.before), _kernel(change.after)
        if before and after and before != after and phase_of(change) == FORWARD:
            pairs[before, after].append(module_of(change))
            exchanged[module_of(change)].append(change)
    for (before, after), modules in pairs.items():
        parts = [
            change
            for module in modules
            for change in (*exchanged[module], *went.get(module, ()), *came.get(module, ()))
        ]
        inside = set(modules)
        behind = [
            change
            for change in seen.changes
            if module_of(change) in inside
            and (phase_of(change) != FORWARD or isinstance(change, Replaced) or module_of(change) in exchanged)
        ]
        changes: tuple[Change, ...] = distinct((*parts, *behind))
        title = f"{before} became {after} ({times(len(modules), 'module')})"
        yield Claim(Cause("other-norm", HINT), "operation", title, changes)


def _by_module(changes: Iterable[Come]) -> dict[str, list[Come]]:
    found: dict[str, list[Come]] = defaultdict(list)
    for change in changes:
        if is_work(change) and phase_of(change) == FORWARD:
            found[module_of(change)].append(change)
    return found


def _norm(changes: list[Come]) -> str:
    """The normalisation that *changes* are; empty where they are none."""
    names = {packet(change) for change in changes}
    kernel = next(filter(None, (_kernel(change.site) for change in changes)), "")
    return kernel or (RMS if names >= WRITTEN_OUT and not names & CENTRED else "")


def _kernel(site: Site) -> str:
    """The normalisation that one operation is; an instance norm is a batch norm of which each instance is a channel."""
    kind = KERNELS.get(packet_of(site.name), "")
    return INSTANCE if kind == BATCH and _is_by_instance(site) else kind


def _is_by_instance(site: Site) -> bool:
    if "InstanceNorm" in site.class_name:
        return True
    first = site.reads[0] if site.reads else None
    if first is None or first.spec is None or first.made is None or len(first.made.shape) < LEAST:
        return False
    batch, channels = first.made.shape[:2]
    return batch > 1 and first.spec.shape[:2] == (1, batch * channels)
