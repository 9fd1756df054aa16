#!/usr/bin/env bash
# Assigning .data of a sparse CSR tensor does nothing, without a word; of dense and of COO tensors it does.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
import torch

print("torch", torch.__version__)
layouts = {
    "dense": lambda tensor: tensor,
    "coo": torch.Tensor.to_sparse,
    "csr": torch.Tensor.to_sparse_csr,
}
sums = {}
for name, laid_out in layouts.items():
    tensor = laid_out(torch.eye(3))
    tensor.data = laid_out(torch.eye(3) * 5)
    sums[name] = tensor.to_dense().sum().item()
print("the sum, 3 before and 15 assigned:", sums)
assert sums == {"dense": 15.0, "coo": 15.0, "csr": 3.0}
EOF
