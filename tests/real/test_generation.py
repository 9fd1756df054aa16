"""The loop of ``generate()`` is as long as one of its steps."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from pytest_torchgraph import record  # noqa: E402  either may be missing
from pytest_torchgraph.snapshot.reader import read  # noqa: E402
from pytest_torchgraph.snapshot.writer import write  # noqa: E402


def lines_of(tokens: int) -> list[str]:
    """The snapshot of as many *tokens* from a small GPT-2 with its usual cache."""
    torch.manual_seed(0)
    sizes = {"n_layer": 2, "n_embd": 32, "n_head": 2, "vocab_size": 64, "n_positions": 64}
    config = transformers.GPT2Config(**sizes, bos_token_id=0, eos_token_id=0)
    model = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad(), record(model) as recording:
        prompt = torch.ones(1, 4, dtype=torch.long)
        model.generate(prompt, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, pad_token_id=0)
    text = write(recording.graph.canonical, test="t", recorded="r")
    assert read(text).program == recording.graph.canonical
    return text.splitlines()


def test_more_tokens_are_no_more_lines() -> None:
    few, many = lines_of(8), lines_of(16)
    assert len(many) <= len(few) <= 300
    assert any(line.endswith("i = 2-15 throughout") for line in many)
