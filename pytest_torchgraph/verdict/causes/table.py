"""The order in which causes are looked for, and what is left for the rules of single findings."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_torchgraph.diff.change import Change, Difference
from pytest_torchgraph.verdict.causes import (
    attention,
    checkpointing,
    communicating,
    copying,
    experts,
    fusion,
    gradients,
    masks,
    mode,
    norms,
    placing,
    precision,
    repeating,
    returning,
    scaling,
    sharding,
    syncing,
    training,
)
from pytest_torchgraph.verdict.causes.claim import Claim, Seen, Story

STORIES: tuple[Story, ...] = (
    mode.mode,
    training.steps,
    checkpointing.checkpointing,
    sharding.held_whole,
    sharding.gathered,
    checkpointing.early_stop,
    checkpointing.recomputed,
    attention.unfused,
    attention.path,
    attention.whole_layer,
    attention.kernel,
    experts.experts,
    fusion.optimizer,
    training.updated,
    training.optimizer,
    gradients.differentiated,
    training.frozen,
    syncing.sync,
    sharding.redistributed,
    communicating.communication,
    communicating.otherwise,
    precision.held,
    precision.exchanged,
    copying.moved_each_call,
    copying.copied_otherwise,
    masks.materialised,
    repeating.idle,
    repeating.again,
    repeating.in_each_module,
    attention.repeated_keys,
    norms.norms,
    fusion.rms_norm,
    fusion.unfused,
    precision.cast,
    scaling.soft_cap,
    scaling.scale,
    precision.larger,
    precision.altered,
    placing.in_place_or_not,
    mode.dropout,
    returning.renamed,
)
"""Stories over all changes, each told what those before it left over."""


def claims(
    changes: Iterable[Change], difference: Difference, *, same_backend: bool
) -> tuple[list[Claim], list[Change]]:
    """What the stories explain, and the changes that none of them does."""
    found: list[Claim] = []
    left = list(changes)
    for story in STORIES:
        taken: set[int] = set()
        for claim in story(Seen(left, difference, same_backend=same_backend)):
            found.append(claim)
            taken.update(map(id, claim.changes))
        if taken:
            left = [change for change in left if id(change) not in taken]
    return found, left
