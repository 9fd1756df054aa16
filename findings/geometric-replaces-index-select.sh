#!/usr/bin/env bash
# Importing torch_geometric replaces torch.index_select for everybody; the new one refuses a tensor without dimensions.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 torch-geometric==2.8.1

"$room/venv/bin/python" -W ignore - <<'EOF'
import torch

print("torch", torch.__version__)
scalar, first = torch.tensor(5.0), torch.tensor([0])
own = torch.index_select
print("before:", own(scalar, 0, first))

import torch_geometric

print("torch_geometric", torch_geometric.__version__, "is imported; index_select is PyTorch's own:", torch.index_select is own)
assert torch.index_select is not own
try:
    torch.index_select(scalar, 0, first)
except IndexError as error:
    print("after:", error)
else:
    raise AssertionError("it selects as before")
assert scalar.index_select(0, first) == 5  # the method of tensors is left alone
EOF
