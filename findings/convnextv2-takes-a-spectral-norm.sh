#!/usr/bin/env bash
# ConvNeXt V2 of transformers 4.51.3 normalises by the largest singular value of each map instead of its length: torch.linalg.norm(x, ord=2, dim=(1, 2)) is a matrix norm. The same weights give other numbers than in 4.53.3.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

cd "$room"
cat > responses.py <<'EOF'
import sys

import torch
import transformers
from torch.utils._python_dispatch import TorchDispatchMode
from transformers.models.convnextv2.modeling_convnextv2 import ConvNextV2GRN


class Work(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.names.append(operation.overloadpacket.__name__)
        return operation(*args, **(kwargs or {}))


torch.manual_seed(0)
layer, x = ConvNextV2GRN(4), torch.randn(2, 5, 6, 4)
with torch.no_grad(), Work() as work:
    layer.weight.fill_(1.0)
    made = layer(x)


def expected(norm):
    length = norm(x, ord=2, dim=(1, 2), keepdim=True)
    return x * length / (length.mean(-1, keepdim=True) + 1e-6) + x


length, spectral = expected(torch.linalg.vector_norm), expected(torch.linalg.matrix_norm)
print("transformers", transformers.__version__, "torch", torch.__version__)
print("is the length of each map:", torch.allclose(made, length), "- is its largest singular value:", torch.allclose(made, spectral))
print("differs from the length by", f"{(made - length).abs().max().item():.2f}", "- operations:", work.names)
wrong = sys.argv[1] == "wrong"
assert torch.allclose(made, spectral if wrong else length)
assert not torch.allclose(length, spectral)
assert ("_linalg_svd" in work.names) is wrong
EOF
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 transformers==4.51.3
HF_HUB_OFFLINE=1 "$room/venv/bin/python" -W ignore responses.py wrong
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 transformers==4.53.3
HF_HUB_OFFLINE=1 "$room/venv/bin/python" -W ignore responses.py right
