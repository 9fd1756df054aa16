#!/usr/bin/env bash
# A transformers decoder in training joins the keys and the values of every layer with an empty tensor: its cache is on and begins with torch.cat([empty, keys]), a copy of both that nothing reads again. use_cache=False makes none.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 transformers==5.24.0

cd "$room"
HF_HUB_OFFLINE=1 "$room/venv/bin/python" -W ignore - <<'EOF'
import torch
import transformers
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import LlamaConfig, LlamaForCausalLM

print("torch", torch.__version__, "transformers", transformers.__version__)
LAYERS = 3
config = LlamaConfig(
    hidden_size=16,
    intermediate_size=16,
    num_hidden_layers=LAYERS,
    num_attention_heads=2,
    num_key_value_heads=2,
    vocab_size=32,
)
model, tokens = LlamaForCausalLM(config).train(), torch.ones(1, 4, dtype=torch.long)


class Joined(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.shapes = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        if operation is torch.ops.aten.cat.default and any(tensor.numel() == 0 for tensor in args[0]):
            self.shapes.append([tuple(tensor.shape) for tensor in args[0]])
        return operation(*args, **(kwargs or {}))


def joined(**options):
    with Joined() as found:
        model(tokens, labels=tokens, **options)
    return found.shapes


print("as it is:", joined())
print("use_cache=False:", joined(use_cache=False))
assert joined() == [[(0,), (1, 2, 4, 8)]] * 2 * LAYERS
assert joined(use_cache=False) == []
EOF
