#!/usr/bin/env bash
# Importing ultralytics widens the lines in which PyTorch prints tensors, for everybody, and replaces torch.save.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 ultralytics==8.4.190

"$room/venv/bin/python" -W ignore - <<'EOF'
import torch

tensor, save = torch.arange(30.0), torch.save
before = str(tensor)

import ultralytics

print("ultralytics", ultralytics.__version__, "torch", torch.__version__)
print(before, "is printed, once ultralytics is imported, as", tensor, sep="\n")
assert len(before.splitlines()) == 3
assert len(str(tensor).splitlines()) == 1
assert torch.save is not save
EOF
