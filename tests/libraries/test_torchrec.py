from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.libraries.proof import require_recorded

pytestmark = pytest.mark.library

KNOW = "jagged tensors keep the offsets that their first use makes: make one in each call"
"""What a person who records a model of this library should know."""
LINES = 33
"""Lines of the snapshot."""


def test_bags_of_embeddings() -> None:
    torchrec: Any = pytest.importorskip("torchrec")

    def build() -> torch.nn.Module:
        tables = [
            torchrec.EmbeddingBagConfig(name=name, embedding_dim=4, num_embeddings=10, feature_names=[name])
            for name in ("user", "item")
        ]
        model: torch.nn.Module = torchrec.EmbeddingBagCollection(tables=tables)
        return model

    def embedded(model: Any, args: Any) -> torch.Tensor:
        jagged = torchrec.KeyedJaggedTensor(["user", "item"], values=args[0], lengths=args[1])
        found: torch.Tensor = model(jagged).values()
        return found

    args = torch.tensor([1, 2, 3, 4, 5]), torch.tensor([1, 2, 0, 2])
    assert require_recorded(build, args, runs=embedded) == LINES
