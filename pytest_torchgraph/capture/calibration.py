"""What recording costs beside what a clock in it can see: found out once per process, on models of next to no work."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from statistics import median
from time import perf_counter
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from pytest_torchgraph.capture.outside import without_dispatch_modes
from pytest_torchgraph.capture.timing import Clock, Surcharge
from pytest_torchgraph.recorded.collector import collector_paused

LAYERS, CALLS, ROUNDS = 16, 100, 5
"""Layers of a model, calls of a loop, and how often each is run: the fastest counts, other work only makes slower."""

Record: TypeAlias = Callable[[Callable[[], Any], Clock], None]


@cache
def surcharge(record: Record) -> Surcharge:
    """What recording adds to an operation beside what the clock sees; *record* runs a callable with the recorder."""
    with without_dispatch_modes(), torch.inference_mode(mode=False), torch.no_grad(), collector_paused():
        inside = surcharge_inside(record)
        return Surcharge(outside=surcharge_outside(record, inside), inside=inside)


class View(nn.Module):
    """Does as little as an operation can."""

    def forward(self, x: Tensor) -> Tensor:
        """Transpose."""
        return x.t()


def surcharge_inside(record: Record) -> float:
    """What an operation seems to take longer: from one that only makes a view."""
    model, some = nn.Sequential(*(View() for _ in range(2 * LAYERS))), torch.ones(4, 16)
    plain = min(seconds_of(some.t, CALLS) for _ in range(ROUNDS))
    taken = [median(ended - began for began, ended in clock.ran) for clock in recordings(record, model, some, 0.0)]
    return max(min(taken) - plain, 0.0)


def surcharge_outside(record: Record, inside: float) -> float:
    """What comes between two operations: from modules in modules, recorded and not."""
    with torch.random.fork_rng(devices=[]):  # new layers draw their weights
        layers = [nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 16), nn.GELU()) for _ in range(LAYERS)]
    model, some = nn.Sequential(*layers), torch.ones(4, 16)
    plain = min(seconds_of(lambda: model(some), 3) for _ in range(ROUNDS))
    return min(clock.fitting(plain).outside for clock in recordings(record, model, some, inside))


def recordings(record: Record, model: nn.Module, some: Tensor, inside: float) -> list[Clock]:
    """Clocks of several recordings; the first one meets everything for the first time, and is left out."""
    clocks = [Clock(Surcharge(0.0, inside)) for _ in range(ROUNDS + 1)]
    for clock in clocks:
        record(lambda: model(some), clock)
    return clocks[1:]


def seconds_of(call: Callable[[], Any], times: int) -> float:
    """Seconds of one *call*, the mean of some."""
    begun = perf_counter()
    for _ in range(times):
        call()
    return (perf_counter() - begun) / times
