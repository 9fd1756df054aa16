#!/usr/bin/env bash
# Somebody who merely keeps the results of operations makes autograd copy the gradients of parameters instead of taking them over.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
from collections import Counter

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

print("torch", torch.__version__)


class Log(TorchDispatchMode):
    def __init__(self, keeps):
        super().__init__()
        self.names, self.keeps, self.kept = Counter(), keeps, []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        self.names[str(operation)] += 1
        if self.keeps:
            self.kept.append(result)
        return result


def step(keeps):
    linear = nn.Linear(4, 4)
    with Log(keeps) as log:
        linear(torch.ones(2, 4)).sum().backward()
    return log.names


more = step(keeps=True) - step(keeps=False)
print("with results kept, there are more of:", dict(more))
assert more == {"aten.new_empty_strided.default": 2, "aten.copy_.default": 2}
EOF
