#!/usr/bin/env bash
# In eval mode, the first forward of EnCodec's quantiser makes its codebook of the input it is given; encode does not.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 encodec==0.1.1

"$room/venv/bin/python" -W ignore - <<'EOF'
import sys
from importlib.metadata import version
from types import ModuleType

# Of the package index, torchaudio loads beside PyTorch with CUDA alone; the quantiser uses none of it.
sys.modules["torchaudio"] = ModuleType("torchaudio")

import torch
from encodec.quantization import ResidualVectorQuantizer

print("encodec", version("encodec"), "torch", torch.__version__)
torch.manual_seed(0)
quantizer = ResidualVectorQuantizer(dimension=4, n_q=1, bins=4).eval()
codebook = quantizer.vq.layers[0]._codebook
before, x = codebook.embed.clone(), torch.randn(1, 4, 16)
unchanged = {}
with torch.no_grad():
    for name in ("encode", "forward"):
        getattr(quantizer, name)(x, 75)
        unchanged[name] = torch.equal(codebook.embed, before)
print("the codebook is what it was after", unchanged)
assert unchanged == {"encode": True, "forward": False}
EOF
