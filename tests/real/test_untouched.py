"""Models of public libraries go on after a trace as if there had been none, those too that rewrite themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from tests.models.example import Example
from tests.models.test_untouched import require_untouched
from tests.real.factories import FACTORIES, WORDS, bert, gpt2, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_torchgraph.plugin.fixture import TorchGraph


def bert_with_hidden_states() -> Example:
    """Hooks that capture hidden states are put in at their first use, which a flag remembers."""
    example = bert()
    return Example(example.model, {**example.args, "output_hidden_states": True, "output_attentions": True})


def gpt2_with_hidden_states() -> Example:
    """The same in a decoder."""
    example = gpt2()
    return Example(example.model, example.args, {"output_hidden_states": True})


def big_bird() -> Example:
    """Sparse attention, which the first call with a short input turns off for good."""
    from transformers import BigBirdConfig, BigBirdModel

    config = BigBirdConfig(
        vocab_size=WORDS,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        block_size=4,
        num_random_blocks=1,
    )
    return Example(BigBirdModel(config).eval(), words(1, 16))


def rwkv() -> Example:
    """Weights that are rescaled in place at the first call in eval mode, which a flag remembers."""
    from transformers import RwkvConfig, RwkvModel

    config = RwkvConfig(
        vocab_size=WORDS, context_length=16, hidden_size=16, num_hidden_layers=2, intermediate_size=32, rescale_every=1
    )
    return Example(RwkvModel(config).eval(), words(1, 8), {"use_cache": False})


THEMSELVES = {make.__name__: make for make in (bert_with_hidden_states, gpt2_with_hidden_states, big_bird, rwkv)}


QUICK = ("bert", "gpt2", "llama_decode", "x_alibi", "gcn")
CHOSEN = [*THEMSELVES, *QUICK, *(pytest.param(name, marks=pytest.mark.long) for name in FACTORIES if name not in QUICK)]


@pytest.mark.parametrize("name", CHOSEN)
def test_a_traced_model_goes_on_like_one_that_never_was(name: str) -> None:
    make: Callable[[], Example] = {**FACTORIES, **THEMSELVES}[name]
    make()  # some libraries note in a class what they see at its first instance
    require_untouched(make, learns=True)


def test_hidden_states_are_recorded_and_still_there_afterwards(torch_graph: TorchGraph) -> None:
    example = bert_with_hidden_states()
    with torch.no_grad():
        graph = torch_graph.check(example.model, example.args)
        assert len(example.model(**example.args).hidden_states) == 3
    assert sum("hidden_states" in path for path, _ in graph.outputs) == 3
