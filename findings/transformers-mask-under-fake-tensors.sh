#!/usr/bin/env bash
# Under fake tensors, a Hugging Face model builds an attention mask that it leaves out in a real run: a fake trace is not the eager one.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 transformers==5.24.0

"$room/venv/bin/python" -W ignore - <<'EOF'
import torch
import transformers
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import BertConfig, BertModel

print("torch", torch.__version__, "transformers", transformers.__version__)


class Log(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.masks = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        if "scaled_dot_product" in str(operation):
            self.masks.append((kwargs or {}).get("attn_mask"))
        return operation(*args, **(kwargs or {}))


def masks(model, ids):
    with torch.no_grad(), Log() as log:
        model(input_ids=ids, attention_mask=torch.ones_like(ids))
    return [mask is not None for mask in log.masks]


config = BertConfig(num_hidden_layers=2, hidden_size=16, num_attention_heads=2, intermediate_size=32, vocab_size=30)
real = masks(BertModel(config).eval(), torch.arange(8).view(1, 8))
with FakeTensorMode():
    fake = masks(BertModel(config).eval(), torch.zeros(1, 8, dtype=torch.long))
print("attention calls that are given a mask: real", real, "fake", fake)
assert real == [False, False]
assert fake == [True, True]
EOF
