from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.libraries.proof import require_recorded
from tests.real.factories import llama

# peft asks transformers by a name that is deprecated there.
pytestmark = [pytest.mark.library, pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")]

KNOW = "a merged adapter records like the model without one"
"""What a person who records a model of this library should know."""
LINES = 95
"""Lines of the snapshot."""


def test_lora_on_a_decoder() -> None:
    peft = pytest.importorskip("peft")

    def build() -> Any:
        torch.manual_seed(0)
        config = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
        return peft.get_peft_model(llama().model, config).eval()

    tokens = torch.arange(16).view(1, 16)
    lines = require_recorded(
        build, (tokens,), runs=lambda model, args: model(input_ids=args[0], use_cache=False).logits
    )
    assert lines == LINES
