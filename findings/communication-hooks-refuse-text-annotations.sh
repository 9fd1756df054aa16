#!/usr/bin/env bash
# DistributedDataParallel refuses a correctly annotated communication hook in a file with 'from __future__ import annotations'.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
from __future__ import annotations

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

print("torch", torch.__version__)


def annotated(state: object, bucket: dist.GradBucket) -> torch.futures.Future[torch.Tensor]:
    done = torch.futures.Future()
    done.set_result(bucket.buffer())
    return done


def bare(state, bucket):
    return annotated(state, bucket)


dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
DistributedDataParallel(nn.Linear(2, 2)).register_comm_hook(None, bare)
print("without annotations: taken")
try:
    DistributedDataParallel(nn.Linear(2, 2)).register_comm_hook(None, annotated)
except ValueError as error:
    print("with the annotation dist.GradBucket as text:", error)
    assert "should be dist.GradBucket" in str(error)
else:
    raise AssertionError("it was taken")
finally:
    dist.destroy_process_group()
EOF
