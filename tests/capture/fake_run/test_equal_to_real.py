"""A fake run records what a real one does: the same graph, operation by operation, byte by byte."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from pytest_torchgraph import Graph, trace
from pytest_torchgraph.capture.fake_run.refusing import NeedsContents
from pytest_torchgraph.capture.fake_run.stand_in import NoStandIn
from tests.models import MODELS
from tests.models.example import Example
from tests.real.factories import FACTORIES

if TYPE_CHECKING:
    from collections.abc import Callable

READS = {
    "cond": "cond.py:19 in forward: aten._local_scalar_dense.default reads what a tensor holds",
    "custom_op": "scaled_tanh has no fake kernel",
    "data_dependent": "data_dependent.py:20 in forward: aten._local_scalar_dense.default reads what a tensor holds",
    "host_sync": "host_sync.py:20 in forward: aten._local_scalar_dense.default reads what a tensor holds",
    "moe": "moe.py:23 in forward: the size of what aten.nonzero.default returns depends on what a tensor holds",
    "nested_tensor": "symbolic sizes only",
    "packed_sequence": "the size of what aten._pack_padded_sequence.default returns",
    "quantized": "no fake tensor of a quantized dtype",
}
"""Models that ask what a tensor holds, or for what PyTorch has no fake tensor."""
OTHERWISE = {
    "lstm": "oneDNN's work space of a recurrent layer is not counted",
    "vector_quantiser": "one_hot computes fake tensors by other operations than real ones",
}
"""Models that a fake run records otherwise, and what it says of that."""
OTHERWISE_BACKWARD = {**OTHERWISE, "sparse_weight": "a sparse tensor is counted without elements"}
LAZY = "lazy_modules"
NO_BACKWARD = ("custom_op", "kv_cache")
"""Models that no backward pass goes through."""


def seeded(build: Callable[[], Example]) -> Example:
    torch.manual_seed(0)
    return build()


def both(build: Callable[[], Example], **options: Any) -> tuple[Graph, Graph]:
    """The graph of a real run, and that of a fake one with the mark of being fake taken off."""
    first, second = seeded(build), seeded(build)
    real = trace(first.model, first.args, first.kwargs, **options)
    fake = trace(second.model, second.args, second.kwargs, fake=True, **options)
    assert fake.origin.fake
    assert not real.origin.fake
    return real, replace(fake, origin=replace(fake.origin, fake=False))


def facts(graph: Graph) -> tuple[Any, ...]:
    memory = graph.memory
    work = sorted(one.name for one in graph.operations if not one.is_view)
    return graph, graph.flops, memory.peak, memory.saved, memory.resident, work


@pytest.mark.parametrize("trait", sorted(set(MODELS) - {*READS, *OTHERWISE, LAZY}))
def test_a_small_model_is_recorded_as_in_a_real_run(trait: str) -> None:
    real, fake = both(MODELS[trait])
    assert facts(real) == facts(fake)


@pytest.mark.parametrize("trait", sorted(set(MODELS) - {*READS, *OTHERWISE_BACKWARD, *NO_BACKWARD, LAZY}))
def test_a_small_model_goes_backward_as_in_a_real_run(trait: str) -> None:
    real, fake = both(MODELS[trait], backward="auto")
    assert facts(real) == facts(fake)


NORMS: dict[str, Callable[[], nn.Module]] = {
    "batch": lambda: nn.BatchNorm1d(8),
    "batch of its own statistics": lambda: nn.BatchNorm1d(8, track_running_stats=False),
    "group": lambda: nn.GroupNorm(2, 8),
    "layer": lambda: nn.LayerNorm(8),
    "layer without bias": lambda: nn.LayerNorm(8, bias=False),
    "no weights": lambda: nn.GroupNorm(2, 8, affine=False),
}


@pytest.mark.parametrize("name", NORMS)
def test_a_norm_whose_weights_are_wider_than_its_input_is_recorded_as_in_a_real_run(name: str) -> None:
    real, fake = both(
        lambda: Example(nn.Sequential(nn.Linear(8, 8).bfloat16(), NORMS[name]()), torch.ones(2, 8).bfloat16()),
        backward="auto",
    )
    assert facts(real) == facts(fake)


@pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor:UserWarning")  # transformers, below 2.10
@pytest.mark.parametrize("name", FACTORIES)
def test_a_real_model_is_recorded_as_in_a_real_run(name: str) -> None:
    real, fake = both(FACTORIES[name])
    assert facts(real) == facts(fake)


def one_step(build: Callable[[], Example], *, fake: bool, foreach: bool) -> Graph:
    example: Any = seeded(build)
    example.model.requires_grad_()
    optimizer = torch.optim.AdamW(example.model.parameters(), foreach=foreach)
    with torch.enable_grad():
        options: dict[str, Any] = {"backward": "auto", "optimizer": optimizer, "fake": fake}
        return trace(example.model, example.args, example.kwargs, **options)


@pytest.mark.parametrize("foreach", [False, True])
@pytest.mark.parametrize("name", ["gpt2", "llama", "mixtral", "bert", "vit", "gcn"])
def test_a_step_of_a_real_model_is_recorded_as_in_a_real_run(name: str, foreach: bool) -> None:
    real, fake = (one_step(FACTORIES[name], fake=fake, foreach=foreach) for fake in (False, True))
    assert facts(real) == facts(replace(fake, origin=replace(fake.origin, fake=False)))


@pytest.mark.parametrize("trait", READS)
def test_what_a_fake_tensor_cannot_tell_is_one_sentence(trait: str) -> None:
    example = seeded(MODELS[trait])
    with pytest.raises(NeedsContents) as raised:
        trace(example.model, example.args, example.kwargs, fake=True)
    assert READS[trait] in str(raised.value)
    assert "\n" not in str(raised.value)


def test_code_in_cpp_that_reads_a_tensor_is_one_sentence_too() -> None:
    packed = torch.nn.utils.rnn.PackedSequence(torch.zeros(4, 8), torch.tensor([2, 2]))
    with pytest.raises(NeedsContents, match=r"code in C\+\+ reads what a tensor holds"):
        trace(lambda batch: torch.nn.GRU(8, 16)(batch)[0].data, (packed,), fake=True)


@pytest.mark.parametrize("trait", OTHERWISE_BACKWARD)
def test_what_is_recorded_otherwise_is_said(trait: str) -> None:
    example = seeded(MODELS[trait])
    graph = trace(example.model, example.args, example.kwargs, fake=True, backward="auto")
    assert any(OTHERWISE_BACKWARD[trait] in note for note in graph.notes)


def test_lazy_modules_are_refused_before_their_first_call() -> None:
    example = seeded(MODELS[LAZY])
    with pytest.raises(NoStandIn, match="no lazy modules before their first call"):
        trace(example.model, example.args, example.kwargs, fake=True)
    example.model(example.args)
    assert trace(example.model, example.args, fake=True).operations


def from_numpy(x: torch.Tensor) -> torch.Tensor:
    import numpy as np

    bias = torch.from_numpy(np.ones(8, dtype="float32"))
    return (x * 2 + bias)[:, bias.long()]


def from_a_list(x: torch.Tensor) -> torch.Tensor:
    return x + torch.tensor([1.0] * 8) * torch.tensor([2.0] * 8)[:1]


WEIGHT = torch.ones(8, 8, requires_grad=True)


def from_around(x: torch.Tensor) -> torch.Tensor:
    return (x @ WEIGHT.t()) @ WEIGHT + WEIGHT[0]


@pytest.mark.parametrize("function", [from_numpy, from_a_list, from_around])
def test_tensors_that_the_code_brings_along_live_as_in_a_real_run(function: Callable[..., torch.Tensor]) -> None:
    x = torch.zeros(4, 8)
    for backward in (None, "auto"):
        options: dict[str, Any] = {"backward": backward}
        real, fake = trace(function, x, **options), trace(function, x, fake=True, **options)
        assert facts(real) == facts(replace(fake, origin=replace(fake.origin, fake=False)))
        assert real.memory.timeline == fake.memory.timeline
    assert WEIGHT.grad is None


def test_what_forward_differentiation_does_otherwise_is_said() -> None:
    linear = torch.nn.Linear(8, 8)
    x = torch.zeros(4, 8)
    graph = trace(lambda x: torch.func.jvp(linear, (x,), (x,))[1], x, fake=True)
    assert any("forward-mode differentiation" in note for note in graph.notes)


def test_values_of_inputs_that_a_function_makes_are_known() -> None:
    def padded(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.pad(x, (0, 1), value=-100) if x.sum() == 0 else x

    graph = trace(padded, lambda: torch.zeros(1, 4, dtype=torch.long), fake=True)
    assert graph.op_counts["aten.constant_pad_nd"] == 1
