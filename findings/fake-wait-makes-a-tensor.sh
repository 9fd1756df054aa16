#!/usr/bin/env bash
# wait_tensor gives back the very tensor that it is given; under fake tensors it gives a new one with storage of its own.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
import torch
import torch.distributed as dist
from torch._subclasses.fake_tensor import FakeTensorMode

print("torch", torch.__version__)


def waits():
    group = dist.group.WORLD.group_name
    reduced = torch.ops._c10d_functional.all_reduce(torch.ones(3), "sum", group)
    waited = torch.ops._c10d_functional.wait_tensor(reduced)
    return waited is reduced, waited.untyped_storage()._cdata == reduced.untyped_storage()._cdata


dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
real = waits()
with FakeTensorMode():
    fake = waits()
dist.destroy_process_group()
print("the same tensor, the same storage: real", real, "fake", fake)
assert real == (True, True)
assert fake == (False, False)
EOF
