#!/usr/bin/env bash
# Each init_process_group puts another sys.excepthook around the one that is there, and destroy_process_group leaves it.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
import sys

import torch
import torch.distributed as dist

print("torch", torch.__version__)


def depth(hook):
    """How many hooks of PyTorch lie one inside the other."""
    cells = {} if not hasattr(hook, "__closure__") else dict(zip(hook.__code__.co_freevars, hook.__closure__ or ()))
    return 1 + depth(cells["old_hook"].cell_contents) if "old_hook" in cells else 0


assert depth(sys.excepthook) == 0
for times in range(1, 4):
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    dist.destroy_process_group()
    print(f"after {times} groups that are gone: {sys.excepthook.__qualname__}, {depth(sys.excepthook)} deep")
    assert depth(sys.excepthook) == times
EOF
