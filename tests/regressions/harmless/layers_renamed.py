"""The list of layers has another name, and so has everything inside."""

from __future__ import annotations

import torch
from torch import nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="renamed", module="layers")


def run(name: str) -> Run:
    model = nn.Sequential()
    model.add_module("embed", nn.Linear(WIDTH, WIDTH))
    model.add_module(name, nn.Sequential(*(nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU()) for _ in range(4))))
    return Run(model=model, args=torch.randn(2, WIDTH))


def before() -> Run:
    return run("layers")


def after() -> Run:
    return run("blocks")
