#!/usr/bin/env bash
# The cached losses of sentence-transformers 6.2 trim each mini-batch to its longest text by reading the attention mask on the host, twice for a mini-batch and in both of its passes: on a GPU each read waits. 3.4.1 read nothing.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
export HF_HUB_OFFLINE=1

cd "$room"
cat > reads.py <<'EOF'
import sys

import sentence_transformers
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.losses import CachedMultipleNegativesRankingLoss
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

ROWS, COLUMNS = 16, 2


class Reads(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.tokenizer = nn.Embedding(50, 8), None

    def forward(self, features, **_):
        mask = features["attention_mask"].unsqueeze(-1).float()
        features["sentence_embedding"] = (self.embedding(features["input_ids"]) * mask).sum(1) / mask.sum(1)
        return features


def texts():
    return {"input_ids": torch.randint(0, 50, (ROWS, 6)), "attention_mask": torch.ones(ROWS, 6, dtype=torch.long)}


def reads(mini_batch_size):
    loss = CachedMultipleNegativesRankingLoss(
        SentenceTransformer(modules=[Encoder()], device="cpu"), mini_batch_size=mini_batch_size
    )
    with Reads() as counted:
        loss([texts() for _ in range(COLUMNS)], None).backward()
    return counted.count


found = {size: reads(size) for size in (16, 8, 4)}
print(f"sentence-transformers {sentence_transformers.__version__}: reads of the device in one step, by size of a mini-batch: {found}")
each = 4 if sys.argv[1] == "trims" else 0
assert found == {size: each * COLUMNS * ROWS // size for size in found}
EOF

# tried NAME TRIMS PACKAGES...
tried() {
    python3 -m venv "$room/$1"
    "$room/$1/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 "${@:3}"
    "$room/$1/bin/python" -W ignore reads.py "$2"
    rm -rf "${room:?}/$1"
}
tried before plain transformers==4.51.3 sentence-transformers==3.4.1
tried now trims transformers==5.24.0 sentence-transformers==6.2.0
