"""A truth check of the counted memory: what PyTorch's allocator held while the same run went on unrecorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from pytest_torchgraph.capture.capability import eager_stance
from pytest_torchgraph.capture.state import State
from pytest_torchgraph.recorded.collector import collector_paused
from pytest_torchgraph.recorded.memory import AllocatorPeak, Memory

MEMORY_EVENT = "[memory]"


def allocated_over_start(run: Callable[[], Any], state: State, device: str) -> int:
    """The most bytes that the allocator of *device* held during *run* above what it held before.

    Taken from the allocation events of PyTorch's profiler, which see what no operator returns: the work space of
    kernels. All that *state* guards is copied first, so that no copy is made in between, and put back after.
    """
    refuse_second_profiler()
    state.guard.keep_all()
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (device == "cuda")
    try:
        with eager_stance(), collector_paused(), profile(activities=activities, profile_memory=True) as profiler:
            run()
    finally:
        torch.clear_autocast_cache()
        state.restore()
    return highest(profiler, device)


def refuse_second_profiler() -> None:
    """Raise ``ValueError`` while a profiler runs: there is one per process, and another would end it."""
    if torch._C._autograd._profiler_enabled():
        raise ValueError(
            "allocator=True takes PyTorch's own profiler, of which a process has one, and one is running: "
            "leave that first, or trace without allocator=True"
        )


def highest(profiler: profile, device: str) -> int:
    """The highest sum of the allocations and releases on *device*, in their order."""
    finished: Any = profiler.profiler
    events = finished.kineto_results.events()
    on_device = (event for event in events if event.name() == MEMORY_EVENT and is_on(event.device_type(), device))
    live = most = 0
    for event in sorted(on_device, key=lambda event: event.start_ns()):
        live += event.nbytes()
        most = max(most, live)
    return most


def is_on(place: Any, device: str) -> bool:
    """Whether the allocator of a profiler's event is that of *device*, as in ``DeviceType.CPU`` and ``"cpu"``."""
    return str(place).rpartition(".")[2].lower() == device


def beside(memory: Memory, allocated: int, device: str) -> AllocatorPeak:
    """*allocated* beside what is counted; on CUDA the allocator gives whole blocks, so whole blocks are counted."""
    return AllocatorPeak(allocated, memory.over_start_in_blocks() if device == "cuda" else memory.over_start)
