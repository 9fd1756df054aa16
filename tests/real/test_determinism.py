"""The same run gives the same text: again and again, whatever the collector and the threads do."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch

from tests.models.example import Example
from tests.real import factories
from tests.real.test_training import graph_of, text_of

MODELS: dict[str, Callable[[], Example]] = {
    "gpt2": lambda: factories.gpt2(1),
    "bert": lambda: factories.bert(1),
    "llama": lambda: factories.llama(1),
}


@contextmanager
def collecting(wanted: bool) -> Iterator[None]:
    was_enabled, threshold = gc.isenabled(), gc.get_threshold()
    gc.set_threshold(5, 2, 2)
    (gc.enable if wanted else gc.disable)()
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        (gc.enable if was_enabled else gc.disable)()


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("repeats", [4, pytest.param(20, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", MODELS)
def test_steps_give_one_text(name: str, repeats: int) -> None:
    example = MODELS[name]()
    texts = set()
    for repeat in range(repeats):
        with collecting(repeat % 2 == 0), threads(1 + 2 * repeat // repeats):
            texts.add(text_of(graph_of(example)))
    assert len(texts) == 1


@pytest.mark.parametrize("name", MODELS)
def test_a_fresh_model_with_other_weights_gives_the_same_text(name: str) -> None:
    texts = set()
    for seed in range(3):
        torch.manual_seed(seed)
        texts.add(text_of(graph_of(MODELS[name]())))
    assert len(texts) == 1
