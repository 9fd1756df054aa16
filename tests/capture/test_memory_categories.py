"""What every live byte belongs to, step by step, as PyTorch's own MemTracker counts it."""

from __future__ import annotations

import gc
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributed._tools.mem_tracker import MemTracker
from torch.utils.checkpoint import checkpoint

from pytest_torchgraph import record, trace
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.memory import Life
from tests.models.resnet import resnet18

SEED = 4
"""Bytes of the gradient that a backward pass starts from: MemTracker calls it an activation, a graph a temporary."""


class Training:
    """A model, its optimizer and its input; ``run`` is one step."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, *inputs: Tensor) -> None:
        self.model = model
        self.optimizer = optimizer
        self.inputs = inputs

    def run(self) -> None:
        output = self.model(*self.inputs)
        loss = getattr(output, "logits", output).sum()
        loss.backward()
        self.optimizer.step()

    def graph(self) -> Graph:
        with record(self.model) as recording:
            recording.phases.identify(self.optimizer)
            self.run()
        return recording.graph

    def by_tracker(self) -> dict[str, int]:
        tracker = MemTracker()
        tracker.track_external(self.model, self.optimizer, *self.inputs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with tracker:
                self.run()
        (snapshot,) = tracker.get_tracker_snapshot("peak").values()
        return {str(getattr(key, "value", key)): value for key, value in snapshot.items()}


def mlp() -> Training:
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64))
    return Training(model, torch.optim.Adam(model.parameters()), torch.randn(16, 64))


def wide() -> Training:
    """Its peak is in the backward pass: activations are larger than all parameters."""
    model = nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8))
    return Training(model, torch.optim.SGD(model.parameters(), lr=0.1), torch.randn(256, 8))


def residual() -> Training:
    model = resnet18(8, 10).train()
    return Training(model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), torch.randn(2, 3, 32, 32))


def gpt2() -> Training:
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        n_layer=2, n_embd=32, n_head=4, vocab_size=64, n_positions=32, bos_token_id=0, eos_token_id=0, use_cache=False
    )
    model = transformers.GPT2LMHeadModel(config)
    return Training(model, torch.optim.AdamW(model.parameters()), torch.randint(0, 64, (2, 16)))


def named_as_the_tracker_does(life: Life) -> str:
    kept = {"parameters": "Parameter", "buffers": "Buffer", "gradients": "Gradient", "optimizer state": "Optstate"}
    if life.category in kept:
        return kept[life.category]
    if life.category in ("inputs", "other"):
        return "Other"
    return {"backward": "Temp", "optimizer": "Optstate"}.get(life.made_in, "Activation")


@pytest.mark.parametrize("make", [mlp, wide, residual, gpt2])
def test_the_peak_is_that_of_mem_tracker_to_the_byte_and_by_category(make: Callable[[], Training]) -> None:
    torch.manual_seed(0)
    theirs = make().by_tracker()
    torch.manual_seed(0)
    memory = make().graph().memory
    ours: Counter[str] = Counter()
    for life in memory.lives or ():
        if life.alive(memory.peak_at):
            ours[named_as_the_tracker_does(life)] += life.bytes
    assert memory.peak == theirs.pop("Total")
    off = {name: ours[name] - count for name, count in theirs.items() if ours[name] != count}
    assert off in ({}, {"Activation": -SEED, "Temp": SEED})


@pytest.mark.parametrize("make", [mlp, wide, residual])
def test_the_categories_of_every_step_add_up_to_what_was_live(make: Callable[[], Training]) -> None:
    memory = make().graph().memory
    for at, live in enumerate(memory.timeline):
        assert sum(memory.by_category(at).values()) == live
    assert sum(memory.by_category(-1).values()) == memory.resident


@pytest.mark.parametrize("collecting", [False, True])
def test_memory_is_the_same_with_the_collector_on_and_off(collecting: bool) -> None:
    torch.manual_seed(0)
    expected = wide().graph().memory
    was_on = gc.isenabled()
    (gc.enable if collecting else gc.disable)()
    try:
        torch.manual_seed(0)
        assert wide().graph().memory == expected
    finally:
        (gc.enable if was_on else gc.disable)()


def test_what_the_forward_pass_keeps_is_saved_and_freed_on_the_way_back() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8))
    graph = trace(model, torch.ones(16, 8), backward=True)
    # The first product is not kept: Tanh needs what it returned, and the second product that too.
    assert graph.memory.saved_for_backward == 16 * 8 * 4
    assert graph.memory.by_category(len(graph.operations) - 1)["saved"] == 0


def test_a_forward_pass_alone_knows_what_autograd_keeps() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8))
    assert trace(model, torch.ones(16, 8)).memory.saved_for_backward == 16 * 8 * 4
    with torch.no_grad():
        assert trace(model, torch.ones(16, 8)).memory.saved_for_backward == 0


def test_checkpointing_saves_less() -> None:
    class Model(nn.Module):
        def __init__(self, *, checkpointing: bool) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(8, 64), nn.GELU(), nn.Linear(64, 8))
            self.checkpointing = checkpointing

        def forward(self, x: Tensor) -> Any:
            return checkpoint(self.body, x, use_reentrant=False) if self.checkpointing else self.body(x)

    saved = [
        trace(Model(checkpointing=flag), torch.ones(16, 8), backward=True).memory.saved_for_backward
        for flag in (False, True)
    ]
    assert saved == [2 * 16 * 64 * 4, 0]


def test_gradients_and_state_are_counted_in_full() -> None:
    model = nn.Linear(8, 8)
    optimizer = torch.optim.Adam(model.parameters())
    memory = trace(model, torch.ones(1, 8), backward=True, optimizer=optimizer).memory
    assert memory.total("gradients") == memory.parameter_bytes
    assert memory.total("optimizer state") == 2 * memory.parameter_bytes + 2 * 4


def test_gradients_from_before_the_run_are_there_from_the_start() -> None:
    model = nn.Linear(8, 8)
    model(torch.ones(1, 8)).sum().backward()
    memory = trace(model, torch.ones(1, 8), backward=True).memory
    assert memory.by_category(-1)["gradients"] == memory.parameter_bytes


def test_blocks_of_an_allocator_are_whole() -> None:
    memory = trace(lambda x: (x + 1).sum(), torch.ones(8)).memory
    assert memory.peak == 32 + 32 + 4
    assert memory.peak_in_blocks() == 3 * 512
    assert memory.peak_in_blocks(block=1) == memory.peak


def test_a_storage_that_is_resized_is_seen() -> None:
    def shrinks(x: Tensor) -> Tensor:
        buffer = x.clone()
        buffer.untyped_storage().resize_(0)
        return x + 1

    plain = torch.UntypedStorage.resize_
    memory = trace(shrinks, torch.ones(256)).memory
    assert torch.UntypedStorage.resize_ is plain
    assert memory.peak == 2 * 1024
    assert [sum(memory.by_category(at).values()) for at in range(2)] == list(memory.timeline)
