"""The options of a library are asked about where its code runs, and nowhere else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from pytest_torchgraph import compare, trace
from pytest_torchgraph.graph import Graph

ASKED = 'attn_implementation="eager" or output_attentions=True?'


def hints(before: Graph, after: Graph) -> list[str]:
    return [
        section.hint
        for section in compare(before, after).outline("test").sections
        if section.cause == "attention-unfused"
    ]


def test_a_model_of_transformers_is_asked_about_its_options() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(n_layer=1, n_head=2, n_embd=16, vocab_size=32, n_positions=8)
    tokens = torch.arange(6).view(1, 6)

    def recorded(attention: str) -> Graph:
        model = transformers.GPT2Model(config).eval()
        model.set_attn_implementation(attention)
        with torch.no_grad():
            return trace(model, tokens)

    (hint,) = hints(recorded("sdpa"), recorded("eager"))
    assert hint.endswith(f"; {ASKED}")


def test_a_model_of_one_s_own_is_not() -> None:
    def by_hand(x: Tensor) -> Tensor:
        return (x @ x.transpose(-1, -2) / 2).softmax(-1) @ x

    x = torch.ones(1, 2, 6, 4)
    (hint,) = hints(trace(lambda x: scaled_dot_product_attention(x, x, x), x), trace(by_hand, x))
    assert hint.startswith("every score is written to memory")
    assert "attn_implementation" not in hint
