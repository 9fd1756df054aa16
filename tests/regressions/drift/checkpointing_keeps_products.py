"""Layers are checkpointed with a policy that keeps what products of matrices make."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="checkpointing-on", module="backward layers.*, run again ×4")


def policy(_: Any, operation: Any, *_args: Any, **_kwargs: Any) -> CheckpointPolicy:
    is_product = operation is torch.ops.aten.addmm.default
    return CheckpointPolicy.MUST_SAVE if is_product else CheckpointPolicy.PREFER_RECOMPUTE


class Model(nn.Module):
    def __init__(self, *, checkpointed: bool) -> None:
        super().__init__()
        self.checkpointed = checkpointed
        self.layers = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
            for _ in range(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        kept = partial(create_selective_checkpoint_contexts, policy)
        for layer in self.layers:
            x = checkpoint(layer, x, use_reentrant=False, context_fn=kept) if self.checkpointed else layer(x)  # here
        return x


def run(*, checkpointed: bool) -> Run:
    model = Model(checkpointed=checkpointed)
    return Run(model=model, args=torch.randn(2, 16, WIDTH, requires_grad=True), backward=torch.mean)


def before() -> Run:
    return run(checkpointed=False)


def after() -> Run:
    return run(checkpointed=True)
