from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "one read on the host in each call; `forward` takes the features of a batch as one dictionary"
"""What a person who records a model of this library should know."""
LINES = 86
"""Lines of the snapshot."""


def test_embeddings_of_sentences(tmp_path: Any) -> None:
    sentence = pytest.importorskip("sentence_transformers")
    modules = pytest.importorskip("sentence_transformers.models")
    transformers = pytest.importorskip("transformers")
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nred\nblue")
    config = transformers.BertConfig(
        vocab_size=7, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    transformers.BertTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)

    def build() -> torch.nn.Module:
        words = modules.Transformer(str(tmp_path))
        model: torch.nn.Module = sentence.SentenceTransformer(modules=[words, modules.Pooling(16)], device="cpu")
        return model.eval()

    def embedded(model: Any, args: Any) -> torch.Tensor:
        ids, mask = args
        found: torch.Tensor = model({"input_ids": ids, "attention_mask": mask})["sentence_embedding"]
        return found

    ids = torch.tensor([[2, 5, 6, 3], [2, 6, 3, 0]])
    assert require_recorded(build, (ids, (ids > 0).long()), runs=embedded) == LINES
