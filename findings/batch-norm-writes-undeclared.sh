#!/usr/bin/env bash
# The schema of PyTorch's training batch norm declares no write, and no version counter moves, but it writes its statistics.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
import torch

print("torch", torch.__version__)
operation = torch.ops.aten.native_batch_norm.default
mean, variance = torch.zeros(3), torch.ones(3)
before = mean._version, variance._version
operation(torch.arange(12.0).view(4, 3), None, None, mean, variance, True, 0.1, 1e-5)

declared = [argument.name for argument in operation._schema.arguments if argument.alias_info]
print(f"declared as written: {declared}; the mean is {mean.tolist()} now; versions {before}, {(mean._version, variance._version)}")
assert not operation._schema.is_mutable
assert declared == []
assert mean.tolist() != [0.0, 0.0, 0.0]
assert (mean._version, variance._version) == before
EOF
