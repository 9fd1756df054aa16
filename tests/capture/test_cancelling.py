"""A run that is given up puts everything back, and a run in another thread is as it would be here."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.capture.cancelling import Cancelled, cancellable, modes_here


class Counting(nn.Module):
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(()))
        self.rest = nn.Sequential(*(nn.Linear(2, 2) for _ in range(5)))

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        try:
            return self.rest(x)
        except Exception:  # noqa: BLE001 -- what a model might do
            return x


def test_a_run_that_is_given_up_ends_at_the_next_module_and_is_put_back() -> None:
    model = Counting()
    seen: list[None] = []

    def is_cancelled() -> bool:
        seen.append(None)
        return len(seen) == 4

    with cancellable(is_cancelled), pytest.raises(Cancelled):
        trace(model, torch.ones(1, 2))
    assert len(seen) == 4
    assert model.count == 0
    assert trace(model, torch.ones(1, 2)).op_counts["aten.addmm"] == 5


def test_modes_of_one_thread_are_those_of_another() -> None:
    found: list[tuple[bool, bool, torch.dtype]] = []

    def look() -> None:
        with here():
            found.append((torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")))

    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        here = modes_here()
    other = threading.Thread(target=look)
    other.start()
    other.join()
    assert found == [(False, True, torch.bfloat16)]
