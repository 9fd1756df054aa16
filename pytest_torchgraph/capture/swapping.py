"""``torch.utils.swap_tensors`` while a model is recorded: it refuses tensors that anything refers to weakly."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from pytest_torchgraph.capture.phase import Phases


@contextmanager
def following_swaps(phases: Phases) -> Iterator[None]:
    """Let go of two tensors while they are swapped; conversions of modules look the function up when they are called.

    Afterwards each is met anew, by the storage that it now reads.
    """
    module: Any = torch.utils
    plain = module.swap_tensors

    def swap_tensors(t1: Tensor, t2: Tensor) -> None:
        with let_go(phases, t1, t2):
            plain(t1, t2)

    module.swap_tensors = swap_tensors
    try:
        yield
    finally:
        module.swap_tensors = plain


@contextmanager
def let_go(phases: Phases, *tensors: Tensor) -> Iterator[None]:
    """Refer to none of *tensors* while the context is open, and then by name to those that had one."""
    identity, keys = phases.identity, {id(one) for one in tensors}
    names = {key: entry[1] for key, entry in identity.wrappers.items() if key in keys}
    places = {place: id(one) for place, (_, reference) in enumerate(phases.named) if id(one := reference()) in keys}
    paths = {place: phases.named[place][0] for place in places}
    phases.named = [entry for place, entry in enumerate(phases.named) if place not in places]
    for key in keys:
        identity.seen.pop(key, None)
        identity.wrappers.pop(key, None)
    try:
        yield
    finally:
        for one in tensors:
            phases.named += [(path, weakref.ref(one)) for place, path in paths.items() if places[place] == id(one)]
            if id(one) in names:
                identity.wrappers[id(one)] = (weakref.ref(one), names[id(one)])
