"""A module has another name in its parent."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(status="note", cause="renamed", module="mlp")


def run(name: str) -> Run:
    mlp = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
    return Run(model=nn.Sequential(OrderedDict({"norm": nn.LayerNorm(WIDTH), name: mlp})), args=torch.randn(2, WIDTH))


def before() -> Run:
    return run("mlp")


def after() -> Run:
    return run("feed_forward")
