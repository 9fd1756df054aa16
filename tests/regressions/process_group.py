"""A process group of this process alone, so that collectives run without another process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed

COLLECTIVES: Any = distributed
all_gather_single = getattr(COLLECTIVES, "all_gather_single", None) or COLLECTIVES.all_gather_into_tensor
"""What PyTorch 2.13 calls ``all_gather_single``; versions before have it under its other name."""

PATIENCE = 10.0


@contextmanager
def process_group() -> Iterator[None]:
    """Collectives work inside; nothing is left behind."""
    distributed.init_process_group("gloo", store=torch._C._distributed_c10d.HashStore(), rank=0, world_size=1)
    try:
        yield
    finally:
        distributed.destroy_process_group()


@contextmanager
def ranks(size: int) -> Iterator[None]:
    """This process is rank 0 of *size*; collectives do nothing and return at once."""
    from torch.testing._internal.distributed.fake_pg import FakeStore

    distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=size)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def let_go(tensor: Tensor) -> None:
    """Wait until nothing else holds the memory of *tensor*, which a collective has written to.

    Gloo's own thread may hold a view of it for a moment after the call has returned, and memory is what is alive.
    """
    deadline = time.monotonic() + PATIENCE
    while _owners(tensor) > ALONE:
        if time.monotonic() > deadline:
            raise TimeoutError("gloo does not let go of what it gathered")
        time.sleep(0)


def _owners(tensor: Tensor) -> int:
    count: int = torch._C._storage_Use_Count(tensor.untyped_storage()._cdata)
    return count


ALONE = _owners(torch.empty(1))
