"""How a model grows with its sizes: exact formulas, found without a weight, and true of real runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import MiB, Scaling, scaling, trace
from pytest_torchgraph.analysis.scaling import order_text
from pytest_torchgraph.snapshot.scaling import write_scaling
from tests.real import factories

SIZES: dict[str, Any] = {"batch": [1, 2, 4], "sequence": [8, 16, 32]}


class Block(nn.Module):
    """Attention with or without a mask that is made for every call, and a feed-forward part."""

    def __init__(self, masked: bool = False, by_row: bool = False) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)
        self.ffn = Rows(by_row)
        self.masked = masked

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (2, 8)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        mask = None
        if self.masked:
            mask = torch.ones(x.shape[1], x.shape[1]).tril().log().expand(x.shape[0], 1, -1, -1).contiguous()
        done = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        return self.ffn(self.out(done.transpose(1, 2).flatten(2)))


class Rows(nn.Module):
    def __init__(self, by_row: bool) -> None:
        super().__init__()
        self.layer = nn.Linear(16, 16)
        self.by_row = by_row

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.layer(row) for row in x]) if self.by_row else self.layer(x)


def inputs(batch: int, sequence: int) -> Tensor:
    return torch.zeros(batch, sequence, 16)


def order(found: Scaling, metric: str, module: str | None = None) -> str:
    growths = found.growths if module is None else next(one.growths for one in found.modules if one.path == module)
    return order_text(found.names, dict(growths)[metric])


def test_a_block_grows_as_it_should() -> None:
    found = scaling(Block(), inputs, backward=True, **SIZES)
    assert order(found, "ops") == "O(1)"
    assert order(found, "saved") == order(found, "peak") == "O(batch*sequence)"
    assert order(found, "flops") == "O(batch*sequence^2)"
    assert order(found, "flops", "ffn.layer") == "O(batch*sequence)"


@pytest.mark.parametrize("metric", ["ops", "flops", "made", "saved", "peak"])
def test_a_formula_is_true_of_a_real_run_at_sizes_that_were_not_recorded(metric: str) -> None:
    found, model = scaling(Block(), inputs, backward=True, **SIZES), Block()
    real = trace(model, inputs(7, 40), backward=True)
    seen = {
        "ops": real.count("ops"),
        "flops": real.flops.at_least,
        "saved": real.memory.saved_for_backward,
        "peak": real.memory.peak,
    }
    if metric in seen:
        assert found.at(metric, batch=7, sequence=40) == seen[metric]
    else:
        assert found.at(metric, batch=7, sequence=40) > real.memory.peak - real.memory.resident


def test_a_mask_that_is_made_shows_as_an_exponent_of_its_module() -> None:
    plain, masked = (scaling(Block(masked=masked), inputs, backward=True, **SIZES) for masked in (False, True))
    assert order(plain, "made", "") == "O(batch*sequence)"
    assert order(masked, "made", "") == order(masked, "peak") == "O(batch*sequence^2)"
    assert order(masked, "made", "ffn.layer") == "O(batch*sequence)"


def test_a_loop_over_the_batch_shows_as_an_exponent_of_its_module() -> None:
    found = scaling(Block(by_row=True), inputs, **SIZES)
    assert order(found, "ops") == order(found, "ops", "ffn.layer") == "O(batch)"
    assert order(found, "ops", "qkv") == "O(1)"


def test_the_largest_batch_fits_and_the_next_does_not() -> None:
    model = Block()
    found = scaling(model, inputs, backward=True, **SIZES)
    memory = MiB(4)
    batch = found.largest_batch(memory, sequence=64)
    peaks = [trace(model, inputs(size, 64), backward=True).memory.peak for size in (batch, batch + 1)]
    assert peaks[0] <= memory < peaks[1]
    assert found.largest_batch(1, sequence=64) == 0
    assert found.largest("sequence", memory, batch=4) > 64
    with pytest.raises(ValueError, match="there is no size 'rows'"):
        found.largest("rows", memory)


def test_what_does_not_grow_has_no_largest_size() -> None:
    found = scaling(lambda x: x[:1].relu(), lambda batch: torch.zeros(4, 4)[:batch], batch=[1, 2])
    with pytest.raises(ValueError, match="does not grow with batch"):
        found.largest_batch(MiB(1))


def test_a_size_at_which_other_operations_run_is_left_out() -> None:
    def forward(x: Tensor) -> Tensor:
        return x.transpose(0, 1).reshape(-1).relu()

    found = scaling(forward, lambda batch: torch.zeros(batch, 8), batch=[1, 2, 4])
    assert found.start == (2,)
    assert found.at("peak", batch=16) == 3 * 4 * 8 * 16
    with pytest.raises(ValueError, match="batch=1: the model runs other operations there"):
        found.at("peak", batch=1)


def test_growth_without_a_formula_is_an_exponent() -> None:
    found = scaling(lambda x: x.new_zeros(x.shape[0] ** 4), lambda batch: torch.zeros(batch, 1), batch=[4, 8])
    assert dict(found.growths)["made"].pieces == ()
    assert order(found, "made") == "O(batch^4)"
    with pytest.raises(ValueError, match="made follows no formula"):
        found.at("made", batch=2)


def test_the_text_is_the_same_every_time_and_says_each_amount_once() -> None:
    texts = {write_scaling(scaling(Block(), inputs, backward=True, **SIZES), test="t") for _ in range(2)}
    (text,) = texts
    lines = text.splitlines()
    assert lines[:4] == ["torchgraph scaling 1", "test t", "size batch 1 2 4", "size sequence 8 16 32"]
    assert "saved O(batch*sequence)" in lines
    assert any(line.startswith("saved = ") and "batch*sequence" in line for line in lines)
    assert "module ffn.layer: ops O(1), flops O(batch*sequence), made O(batch*sequence)" in [
        line.partition(", saved")[0] for line in lines
    ]


def test_a_class_is_a_factory_and_the_optimizer_is_made_for_it() -> None:
    found = scaling(Block, inputs, backward=True, optimizer=torch.optim.AdamW, batch=[1, 2], sequence=[8, 16])
    assert order(found, "saved") == "O(batch*sequence)"


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({}, "needs sizes that vary"),
        ({"batch": [2]}, "two or more rising numbers"),
        ({"batch": [4, 2]}, "two or more rising numbers"),
        ({"batch": 4}, "two or more rising numbers"),
        ({"batch": [0, 1]}, "two or more rising numbers"),
    ],
)
def test_sizes_that_tell_no_growth_are_refused(sizes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        scaling(Block(), inputs, **sizes)


WORDS: dict[str, Any] = {
    "bert": lambda batch: {"input_ids": torch.zeros(batch, 16, dtype=torch.long)},
    "gpt2": lambda batch: torch.zeros(batch, 16, dtype=torch.long),
    "llama": lambda batch: {"input_ids": torch.zeros(batch, 16, dtype=torch.long), "use_cache": False},
    "mixtral": lambda batch: torch.zeros(batch, 16, dtype=torch.long),
    "t5": lambda batch: {
        "input_ids": torch.zeros(batch, 12, dtype=torch.long),
        "decoder_input_ids": torch.zeros(batch, 6, dtype=torch.long),
        "use_cache": False,
    },
    "whisper": lambda batch: {
        "input_features": torch.zeros(batch, 16, 64),
        "decoder_input_ids": torch.zeros(batch, 6, dtype=torch.long),
        "use_cache": False,
    },
    "vit": lambda batch: torch.zeros(batch, 3, 32, 32),
    "mamba": lambda batch: torch.zeros(batch, 8, dtype=torch.long),
    "x_plain": lambda batch: torch.zeros(batch, 16, dtype=torch.long),
    "x_rotary": lambda batch: torch.zeros(batch, 16, dtype=torch.long),
    "x_gqa": lambda batch: torch.zeros(batch, 16, dtype=torch.long),
}
SOON = ("vit", "llama")


def within_one_percent(name: str) -> None:
    torch.manual_seed(0)
    model: Any = factories.FACTORIES[name]().model
    model.requires_grad_()
    with torch.enable_grad():
        found = scaling(model, WORDS[name], backward=True, batch=[2, 3, 4])
        real = trace(model, WORDS[name](16), backward=True).memory.peak
    assert abs(found.at("peak", batch=16) - real) <= real / 100


@pytest.mark.parametrize("name", SOON)
def test_the_peak_at_four_times_the_batch_is_foretold(name: str) -> None:
    within_one_percent(name)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(WORDS) - set(SOON)))
def test_the_peak_of_a_real_model_at_four_times_the_batch_is_foretold(name: str) -> None:
    within_one_percent(name)
