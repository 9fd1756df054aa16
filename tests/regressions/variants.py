"""Every drift again as real models have it: checkpointed, in a training step, renamed, beside another edit.

A variant is made from a pair by what is done to both of its runs; nothing of the pair is copied. ``variants.txt`` lists
which pairs are varied, and how: a kind and a pair in a line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pytest_torchgraph.capture.binding import tensors_in
from tests.regressions.decoder import WIDTH
from tests.regressions.pair import FOLDER, Pair, Run, pairs_in

Change: TypeAlias = Callable[[Run], Run]
HELD = "part"
RENAMED = "piece"
BESIDE = "beside"


@dataclass(frozen=True)
class Variation:
    """What is done to both runs of a pair, and the name that its model then has in another one, if it is in one."""

    before: Change
    after: Change
    held: str = ""


def total(output: Any) -> Tensor:
    """A loss in float32 of everything that *output* holds and that has a gradient."""
    found = [tensor for _, tensor in tensors_in(output) if tensor.requires_grad]
    return torch.stack([tensor.float().sum() for tensor in found]).sum()


def trained(run: Run) -> Run:
    """The run with a backward pass."""
    return replace(run, grad=True, backward=run.backward or total)


def checkpointed(run: Run) -> Run:
    """Each layer checkpointed; a model without layers as a whole."""
    for layer in getattr(run.model, "layers", None) or [run.model]:
        _checkpoint_calls_of(layer)
    return trained(run)


def _checkpoint_calls_of(layer: nn.Module) -> None:
    """Checkpoint every call of *layer*, under the names that it has, as transformers' checkpointed layers do."""
    own = type(layer)

    def call(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return checkpoint(partial(own.__call__, self), *args, use_reentrant=False, **kwargs)

    layer.__class__ = type(own.__name__, (own,), {"__call__": call})


def stepped(run: Run) -> Run:
    """The run as a training step with AdamW."""
    return replace(trained(run), optimizer=torch.optim.AdamW(run.model.parameters(), foreach=True))  # type: ignore[attr-defined]


class Holder(nn.Module):
    """A model that calls *part*, which it knows by *name*."""

    def __init__(self, part: nn.Module, name: str) -> None:
        super().__init__()
        self.name = name
        self.add_module(name, part)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(self, self.name)(*args, **kwargs)


def held_as(name: str, run: Run) -> Run:
    """The model of *run* as a module of another one."""
    return replace(run, model=Holder(run.model, name))  # type: ignore[arg-type]


class Beside(nn.Module):
    """A part that has nothing to do with the rest: a projection; *edited*, it copies what is contiguous otherwise."""

    table: Tensor

    def __init__(self, *, edited: bool) -> None:
        super().__init__()
        self.edited = edited
        self.linear = nn.Linear(WIDTH, WIDTH)
        self.register_buffer("table", torch.randn(8, WIDTH))

    def forward(self) -> Tensor:
        made = self.linear(self.table).T
        return (made.contiguous() if self.edited else made) * 2


class Both(Holder):
    """Two parts that nothing joins."""

    def __init__(self, part: nn.Module, *, edited: bool) -> None:
        super().__init__(part, HELD)
        self.add_module(BESIDE, Beside(edited=edited))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return super().forward(*args, **kwargs), self.get_submodule(BESIDE)()


def beside(run: Run, *, edited: bool) -> Run:
    """The run with another part beside its model, which may be edited."""
    own = run.backward
    backward = None if own is None else lambda output: own(output[0]) + output[1].sum()
    return replace(run, model=Both(run.model, edited=edited), backward=backward)  # type: ignore[arg-type]


VARIATIONS: Mapping[str, Variation] = {
    "checkpointed": Variation(checkpointed, checkpointed),
    "stepped": Variation(stepped, stepped),
    "renamed": Variation(partial(held_as, HELD), partial(held_as, RENAMED), RENAMED),
    "beside": Variation(partial(beside, edited=False), partial(beside, edited=True), HELD),
}


TRAINED = ("checkpointed", "stepped")
LEFT_OUT: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "has nothing that could be trained": (
        TRAINED,
        (
            *("last_logits_retained", "length_branch_on_tensor", "masks_of_queries_broadcast"),
            *("number_in_a_tensor", "transposed_flatten", "written_out_of_place"),
        ),
    ),
    "is of a run without the backward pass that the variant gives it": (
        TRAINED,
        (
            *("encoder_fast_path", "frozen_in_name_only", "gathered_when_alone", "half_logits_kept_alive"),
            *("logits_upcast", "no_grad_dropped", "outputs_retained", "position_bias_trained"),
        ),
    ),
    "is of the optimizer that the variant exchanges": (
        ("stepped",),
        ("alpha_read_on_host", "optimizer_one_by_one", "optimizer_unfused"),
    ),
    "is of checkpointing, which the variant puts around it": (
        ("checkpointed",),
        (
            "checkpointing_keeps_products",
            "checkpointing_not_handed_on",
            "checkpointing_reentrant",
            "gathered_weight_kept",
        ),
    ),
    "sums gradients in another order, which is told of one direction only": (
        ("checkpointed",),
        ("attention_fused_and_unwrapped",),
    ),
    "runs what is no module's in the lines of the checkpoint": (("checkpointed",), ("layers_in_a_plain_list",)),
    "is no module": (("checkpointed", "stepped", "renamed", "beside"), ("validation_with_grad",)),
}
"""Why a pair is not varied in some ways: the variations, and the pairs."""


def left_out() -> set[tuple[str, str]]:
    """The variations that have a reason to be missing, each with its pair."""
    return {(kind, name) for kinds, names in LEFT_OUT.values() for kind in kinds for name in names}


def listed() -> list[tuple[str, str]]:
    """The variations that ``variants.txt`` lists, each with its pair."""
    lines = (FOLDER / "variants.txt").read_text(encoding="utf-8").splitlines()
    return [(kind, name) for kind, name in map(str.split, lines)]


def variant(pair: Pair, kind: str) -> Pair:
    """*pair* with what *kind* does to both of its runs."""
    made = VARIATIONS[kind]
    told = pair.told
    if made.held:
        told = replace(told, module=_held(told.module, made.held))
    return replace(pair, before=lambda: made.before(pair.before()), after=lambda: made.after(pair.after()), told=told)


def _held(module: str, name: str) -> str:
    """The name of *module* where the model is the module *name* of another one."""
    if module in {"", "optimizer", "backward"}:
        return module
    backward = "backward " if module.startswith("backward ") else ""
    rest = module.removeprefix("backward ")
    return f"{backward}{name}" if rest == "the model" else f"{backward}{name}.{rest}"


@cache
def variants() -> dict[str, Pair]:
    """Every variant that ``variants.txt`` lists, by its pair and its kind: ``keys_repeated-renamed``."""
    drift = pairs_in("drift")
    return {f"{name}-{kind}": variant(drift[name], kind) for kind, name in listed()}


def require_both_told(pair: Pair) -> None:
    """The causes and modules of the edit of *pair*, and of the one beside it, are told among what fails."""
    told, outline = pair.told, pair.outline
    causes = {finding.cause for finding in pair.comparison.verdict.failing}
    modules = {row.scope for section in outline.sections for row in section.rows}
    assert {told.cause, "extra-copy"} <= causes
    assert {told.module, BESIDE} - {""} <= modules
