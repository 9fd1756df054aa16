"""How long the explorer takes to start, and to answer while something large loads: ``python -m benchmarks.explorer``.

``start`` is from the call to the first screen, ``tree`` and ``whole`` until the modules and all of the run are shown.
``longest`` is the longest time for which the event loop did not come to a tick of 5 ms while it loads, ``busy`` the
most that the interface's own thread worked in such a time: the rest is waiting for Python's lock, and for the processor
where others use it. ``key`` is the longest from a key that is pressed while it loads to what follows from it,
``walking`` that after.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from pytest_torchgraph.explorer.app import Explorer
from pytest_torchgraph.explorer.loading import quick_turns
from pytest_torchgraph.explorer.panel import ALONE
from pytest_torchgraph.explorer.sources import of_live

if TYPE_CHECKING:
    from textual.pilot import Pilot

TICK = 0.005
HEAD = ("model", "operations", "modules", "start", "tree", "whole", "longest", "busy", "key", "walking")


class Block(nn.Module):
    """What is repeated."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """A residual layer."""
        return x + self.down(torch.nn.functional.gelu(self.up(self.norm(x))))


def chain(count: int, width: int, device: str = "cpu") -> tuple[nn.Module, Tensor]:
    """That many layers one after another."""
    with torch.device(device):
        return nn.Sequential(*(Block(width) for _ in range(count))).eval(), torch.zeros(1, 4, width)


def small() -> tuple[nn.Module, Tensor]:
    """Twelve layers."""
    return chain(12, 64)


def long() -> tuple[nn.Module, Tensor]:
    """About a hundred thousand operations."""
    return chain(11_200, 8)


def meta() -> tuple[nn.Module, Tensor]:
    """About four hundred billion parameters on the meta device."""
    return chain(186, 16384, "meta")


MODELS = {"12 layers": small, "100,000 operations": long, "400B parameters, meta": meta}


class Watch:
    """Looks at the time that the event loop takes."""

    def __init__(self) -> None:
        self.longest = self.busy = 0.0
        self.keys: list[float] = []

    async def ticks(self) -> None:
        """Tick until cancelled."""
        last, worked = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(TICK)
            now = time.perf_counter()
            self.longest = max(self.longest, now - last - TICK)
            self.busy = max(self.busy, time.thread_time() - worked)
            last, worked = now, time.thread_time()

    async def press(self, app: Explorer, pilot: Pilot[Any], key: str) -> None:
        """Press *key* and wait for what follows."""
        began = time.perf_counter()
        # The pilot's own ``press`` waits until the whole process is idle, and a thread that loads is not.
        app.simulate_key(key)
        await pilot.pause(0)
        app.outline.render_line(1)
        self.keys.append(time.perf_counter() - began)


async def measured(model: nn.Module, inputs: Tensor) -> tuple[float, ...]:
    """The figures of one model."""
    watch, began = Watch(), time.perf_counter()
    app = Explorer(of_live(model, inputs))
    async with app.run_test(size=(120, 40)) as pilot:
        start = time.perf_counter() - began
        ticking = asyncio.ensure_future(watch.ticks())
        tree = 0.0
        while app.job is not None:
            await pilot.pause(0.02)
            if app.subject is not None:
                tree = tree or time.perf_counter() - began
                await watch.press(app, pilot, "down")
        whole = time.perf_counter() - began
        longest, busy, while_loading = watch.longest, watch.busy, max(watch.keys, default=0.0)
        watch.keys.clear()
        for key in (*["tab"] * len(ALONE), "end", "home", "m", "m", "E", "end", "C"):
            await watch.press(app, pilot, key)
        ticking.cancel()
        operations = len(app.subject.graph.operations) if app.subject and app.subject.graph else 0
        modules = len(app.subject.modules) if app.subject else 0
    return operations, modules, start, tree, whole, longest, busy, while_loading, max(watch.keys)


def main() -> None:
    """Print the table of the models that are named, or of all."""
    print(" | ".join(HEAD))
    for name, build in MODELS.items():
        if len(sys.argv) > 1 and not any(word in name for word in sys.argv[1:]):
            continue
        with quick_turns():
            operations, modules, *seconds = asyncio.run(measured(*build()))
        told = [f"{value * 1000:,.0f} ms" for value in seconds]
        print(" | ".join((name, f"{operations:,.0f}", f"{modules:,.0f}", *told)))


if __name__ == "__main__":
    main()
