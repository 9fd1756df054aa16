"""The loss is a function instead of a module, and the optimizer gets a list: the step is the same."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="moved-module", module="the model")


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, 1))


def before() -> Run:
    def loss(output: Tensor) -> Tensor:
        return nn.MSELoss()(output, torch.ones_like(output))

    model = network()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, foreach=True)
    return Run(model=model, args=torch.randn(4, WIDTH), backward=loss, optimizer=optimizer)


def after() -> Run:
    def loss(output: Tensor) -> Tensor:
        return mse_loss(output, target=torch.ones_like(output), reduction="mean")  # here

    model = network()
    optimizer = torch.optim.AdamW([{"params": [*model.parameters()]}], lr=1e-3, foreach=True)
    return Run(model=model, args=torch.randn(4, WIDTH), backward=loss, optimizer=optimizer)
