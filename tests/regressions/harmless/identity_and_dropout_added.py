"""Modules that do nothing here: ``Identity``, and dropout in evaluation."""

from __future__ import annotations

import torch
from torch import nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="same")


def run(*more: nn.Module) -> Run:
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), *more)
    return Run(model=model.eval(), args=torch.randn(2, WIDTH))


def before() -> Run:
    return run()


def after() -> Run:
    return run(nn.Dropout(0.1), nn.Identity())
