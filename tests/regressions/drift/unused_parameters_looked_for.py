"""Every step looks for parameters without a gradient although all have one: Samudra#630, OneVision-Encoder#68."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from tests.regressions.decoder import WIDTH
from tests.regressions.pair import Run, Told
from tests.regressions.process_group import process_group

TOLD = Told(cause="host-sync", module="backward")
WITHIN = process_group


def run(*, find_unused_parameters: bool) -> Run:
    model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
    parallel = DistributedDataParallel(model, find_unused_parameters=find_unused_parameters)
    return Run(model=parallel, args=torch.randn(4, WIDTH), backward=torch.mean, warmup=3)


def before() -> Run:
    return run(find_unused_parameters=False)


def after() -> Run:
    return run(find_unused_parameters=True)
