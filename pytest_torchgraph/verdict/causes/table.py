"""The order in which causes are looked for, and what is left for the rules of single findings."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_torchgraph.diff.change import Change, Difference
from pytest_torchgraph.verdict.causes import (
    applying,
    attention,
    autocast,
    biases,
    checkpointing,
    communicating,
    compiling,
    constants,
    copying,
    exchanging,
    expanding,
    experts,
    fusion,
    gradients,
    groups,
    hoisting,
    joining,
    laying,
    lookups,
    looping,
    losses,
    lowering,
    masks,
    mode,
    norms,
    ordering,
    overwriting,
    parts,
    placing,
    precision,
    rebuilding,
    registering,
    repeating,
    returning,
    scaling,
    sharding,
    syncing,
    tables,
    training,
)
from pytest_torchgraph.verdict.causes.claim import Claim, Seen, Story

STORIES: tuple[Story, ...] = (
    lowering.lowering,
    mode.mode,
    compiling.compiling,
    training.steps,
    registering.registered,
    checkpointing.checkpointing,
    sharding.held_whole,
    sharding.gathered,
    checkpointing.early_stop,
    checkpointing.recomputed,
    ordering.other_order,
    ordering.summed_otherwise,
    tables.computed,
    attention.unfused,
    attention.path,
    attention.whole_layer,
    attention.kernel,
    experts.experts,
    looping.looped,
    fusion.optimizer,
    groups.apart,
    training.updated,
    training.optimizer,
    gradients.differentiated,
    training.frozen,
    syncing.sync,
    sharding.redistributed,
    communicating.communication,
    communicating.otherwise,
    constants.constants,
    constants.numbers,
    precision.held,
    autocast.between_casts,
    precision.exchanged,
    laying.dimensions_swapped,
    overwriting.copied_by_autograd,
    losses.shifted,
    copying.moved_otherwise,
    copying.moved_each_call,
    copying.joined_with_nothing,
    expanding.expanded,
    copying.copied_otherwise,
    expanding.repeated_otherwise,
    lookups.positions,
    tables.masked,
    masks.materialised,
    syncing.asked_otherwise,
    copying.changes_nothing,
    rebuilding.rebuilt,
    norms.norms,
    joining.joined,
    fusion.rms_norm,
    fusion.unfused,
    biases.biases,
    applying.applied,
    attention.repeated_keys,
    exchanging.outer_products,
    exchanging.exchanged,
    expanding.repeated,
    repeating.idle,
    repeating.again,
    hoisting.hoisted,
    repeating.in_each_module,
    lookups.looked_up,
    precision.cast,
    mode.dropout_rewritten,
    mode.dropout_rate,
    scaling.soft_cap,
    scaling.scale,
    scaling.by_number,
    precision.larger,
    parts.other_part,
    precision.altered,
    placing.in_place_or_not,
    mode.dropout,
    returning.renamed,
    returning.cast_or_not,
)
"""Stories over all changes, each told what those before it left over.

What brings the most with it comes first, so that no part of it is told as an edit of its own: modes of the run, phases
and steps, what checkpointing runs again; then attention and experts, which are many operations each; the optimizer and
gradients, which follow from nothing in the forward pass; syncs and ranks, which no other may swallow. Of the rest,
what names its reason (a copy of a parameter, a mask, work that is done again) comes before what names only operations
(written out, cast, scaled, in place). Wrong where two edits of one module share operations: the first takes them all.
"""


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
