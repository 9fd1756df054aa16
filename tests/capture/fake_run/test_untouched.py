"""A fake run leaves the caller's model, inputs and optimizer as they are, and copies none of their bytes."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensor, FakeTensorMode

from pytest_torchgraph import trace
from pytest_torchgraph.capture.fake_run.refusing import NeedsContents
from tests.models import MODELS
from tests.portrait import portrait


class Net(nn.Module):
    calls: Tensor

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        hidden = self.up(x).relu()
        self.seen.append(hidden)
        return self.down(hidden)


def fakes_alive() -> int:
    gc.collect()
    return sum(type(one) is FakeTensor for one in gc.get_objects())


def test_a_model_keeps_its_tensors_gradients_and_attributes() -> None:
    model, x = Net(), torch.randn(2, 8, requires_grad=True)
    model(x).sum().backward()
    optimizer = torch.optim.AdamW(model.parameters())
    optimizer.step()
    before = [(one, one.detach().clone(), one.grad) for one in model.parameters()]
    state = {key: dict(value) for key, value in optimizer.state.items()}
    grad = x.grad
    graph = trace(model, x, backward=True, optimizer=optimizer, fake=True)
    assert graph.count("ops")
    for now, (parameter, contents, gradient) in zip(model.parameters(), before, strict=True):
        assert now is parameter
        assert type(now) is nn.Parameter
        assert torch.equal(now, contents)
        assert now.grad is gradient
    assert x.grad is grad
    assert int(model.calls) == 1
    assert len(model.seen) == 1
    assert type(model.seen[0]) is Tensor
    assert {key: dict(value) for key, value in optimizer.state.items()} == state
    assert all(int(one["step"]) == 1 for one in optimizer.state.values())


def test_a_model_trains_on_after_a_fake_step() -> None:
    model, other = Net(), Net()
    other.load_state_dict(model.state_dict())
    x = torch.randn(2, 8)
    trace(model, x, backward=True, optimizer=torch.optim.SGD(model.parameters(), 0.1), fake=True)
    for one in (model, other):
        step = torch.optim.SGD(one.parameters(), 0.1)
        one(x).sum().backward()
        step.step()
    for left, right in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(left, right)


def test_a_model_that_raises_is_put_back() -> None:
    model = nn.Sequential(Net(), nn.Linear(8, 8))
    model.append(nn.Linear(3, 3))
    weights = [one.detach().clone() for one in model.parameters()]
    with pytest.raises(RuntimeError, match="same reduction dim"):
        trace(model, torch.randn(2, 8), fake=True)
    assert all(map(torch.equal, model.parameters(), weights))
    assert all(type(one) is nn.Parameter for one in model.parameters())


def test_no_fake_tensor_is_left_alive() -> None:
    model, x = Net(), torch.randn(2, 8)
    alive = fakes_alive()
    trace(model, x, backward=True, optimizer=torch.optim.AdamW, fake=True)
    assert fakes_alive() == alive


def test_hooks_are_called_with_fake_gradients_and_stay() -> None:
    linear, seen = nn.Linear(4, 4), []
    handle = linear.weight.register_hook(lambda grad: seen.append(type(grad)))
    linear.weight.register_post_accumulate_grad_hook(lambda one: seen.append(type(one)))
    trace(linear, torch.randn(2, 4), backward=True, fake=True)
    linear(torch.randn(2, 4)).sum().backward()
    assert seen == [FakeTensor, FakeTensor, Tensor, nn.Parameter]
    handle.remove()


def test_tied_weights_stay_tied_and_views_share_memory() -> None:
    first, second = nn.Linear(8, 8), nn.Linear(8, 8)
    second.weight = first.weight
    pool = torch.randn(2, 8)
    graph = trace(lambda a, b: second(first(a)) + b, (pool, pool[:1]), fake=True)
    assert graph.memory.parameter_bytes == 4 * (64 + 8 + 8)
    assert graph.memory.input_bytes == 4 * 16


def test_no_bytes_are_copied() -> None:
    model = nn.Linear(2**13, 2**13, bias=False)
    before = model.weight.data_ptr()
    trace(model, torch.randn(1, 2**13), backward=True, optimizer=torch.optim.AdamW, fake=True)
    assert model.weight.data_ptr() == before
    assert model.weight.grad is None


@pytest.mark.parametrize("trait", ["tied_weights", "gru", "kv_cache", "optimizer_in_backward", "parametrized", "lora"])
def test_a_model_of_the_zoo_is_as_it_was(trait: str) -> None:
    example = MODELS[trait]()
    before = portrait(example.model)
    trace(example.model, example.args, example.kwargs, fake=True)
    assert portrait(example.model) == before


def test_threads_of_the_model_run_under_fake_tensors_too() -> None:
    model, found = nn.Linear(4, 4), []

    def forward(x: Tensor) -> Tensor:
        worker = threading.Thread(target=lambda: found.append(model(x)))
        worker.start()
        worker.join()
        return found.pop()

    graph = trace(forward, torch.randn(2, 4), fake=True)
    assert [one.packet for one in graph.operations if not one.is_view] == ["aten.addmm"]


def test_what_is_fake_already_is_refused() -> None:
    with FakeTensorMode():
        x = torch.empty(2, 4)
    with pytest.raises(TypeError, match="fake tensors already"):
        trace(nn.Linear(4, 4), x, fake=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"verify": True}, "nothing for verify="),
        ({"timing": 2}, "nothing for timing="),
        ({"allocator": True}, "nothing for allocator="),
        ({"restore": False}, "needs restore=True"),
    ],
)
def test_options_that_a_fake_run_cannot_have_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        trace(nn.Linear(4, 4), torch.randn(2, 4), fake=True, **options)


X = torch.randn(4, 4)
REFUSED = {
    "item": lambda x: x.sum().item(),
    "bool": lambda x: x if x.sum() > 0 else -x,
    "tolist": lambda x: x.tolist(),
    "allclose": lambda x: torch.allclose(x, x),
    "equal": lambda x: torch.equal(x, x),
    "nonzero": lambda x: x.nonzero(),
    "masked_select": lambda x: x.masked_select(x > 0),
    "index": lambda x: x[x > 0],
    "unique": lambda x: x.unique(),
    "unique_dim": lambda x: torch.unique(x, dim=0),
    "unique_consecutive": lambda x: x.unique_consecutive(),
    "repeat_interleave": lambda x: x.repeat_interleave(x[0].long(), dim=0),
    "lstsq": lambda x: torch.linalg.lstsq(x, x, driver="gelsd").solution,
    "ctc_loss": lambda x: nn.functional.ctc_loss(
        x[:, None].log_softmax(-1), x[:1, :2].long(), x[:1, 0].long(), x[:1, 0].long()
    ),
    "numpy": lambda x: x.numpy(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_operation_that_asks_for_contents_is_one_sentence_with_its_line(name: str) -> None:
    function = REFUSED[name]
    with pytest.raises(NeedsContents) as raised:
        trace(function, X, fake=True)
    assert "\n" not in str(raised.value)
    line = function.__code__.co_firstlineno
    lines = [f"test_untouched.py:{number} in <lambda>: " for number in (line, line + 1)]
    assert any(each in str(raised.value) for each in lines)


def test_values_that_follow_from_inputs_and_constants_are_known() -> None:
    def counts(words: Tensor) -> Tensor:
        mask = words != 0
        places = torch.arange(words.shape[1])
        rows = words[mask]
        if mask.all():
            return places
        return rows.repeat_interleave(places[: len(rows)]) + int(mask.sum())

    words = torch.tensor([[3, 0, 5, 7]])
    real, fake = trace(counts, words), trace(counts, words, fake=True)
    assert [one.name for one in real.operations] == [one.name for one in fake.operations]
    assert [one.results for one in real.operations if one.packet == "aten.index"] == [
        one.results for one in fake.operations if one.packet == "aten.index"
    ]


def test_what_is_written_into_a_known_value_makes_it_unknown() -> None:
    def forgets(x: Tensor) -> Tensor:
        known = torch.zeros(4, dtype=torch.long)
        view = known[1:]
        view.copy_(x[0, :3].long())
        return x * int(known.sum())

    with pytest.raises(NeedsContents):
        trace(forgets, X, fake=True)


def test_the_attention_mask_that_a_library_would_drop_is_dropped() -> None:
    transformers = pytest.importorskip("transformers")
    from tests.real.factories import llama

    assert transformers
    example = llama()
    words: Any = example.args
    ones = torch.ones_like(words)
    batch = {"input_ids": words, "attention_mask": ones, "use_cache": False}
    known = trace(example.model, batch, fake=True)
    assert known.notes == ()
    assert known.calls[0].keywords[0] == ("attn_mask", None)
    unknown = trace(example.model, lambda: {**batch, "attention_mask": torch.randint(0, 2, (2, 16))}, fake=True)
    assert unknown.notes == (
        "fake run: transformers.masking_utils asks whether it is traced, and may compute otherwise than in a real run",
    )
    assert unknown.calls[0].keywords[0][1] is not None
