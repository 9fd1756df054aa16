#!/usr/bin/env bash
# A selective checkpoint policy that compares with torch.ops.aten.addmm is never true, and everything is computed again without a word; the same packet in a list raises.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

cd "$room"
cat > policies.py <<'EOF'
from functools import partial

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

print("torch", torch.__version__)
addmm = torch.ops.aten.addmm


class Counting(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.calls += func is addmm.default
        return func(*args, **(kwargs or {}))


def saving(*wanted):
    def policy(context, op, *args, **kwargs):
        return CheckpointPolicy.MUST_SAVE if op in wanted else CheckpointPolicy.PREFER_RECOMPUTE

    return policy


def calls_with(policy):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 8))
    contexts = partial(create_selective_checkpoint_contexts, policy)
    with Counting() as counting:
        checkpoint(model, torch.ones(2, 8), use_reentrant=False, context_fn=contexts).sum().backward()
    return counting.calls


nothing, packet, overload = calls_with(saving()), calls_with(saving(addmm)), calls_with(saving(addmm.default))
print(f"addmm in a step of two layers: {nothing} where nothing is to be saved")
print(f"  {packet} where a policy is to save torch.ops.aten.addmm, a packet of overloads")
print(f"  {overload} where it is to save torch.ops.aten.addmm.default")
assert (nothing, packet, overload) == (3, 3, 2)
assert calls_with([addmm.default]) == 2

try:
    calls_with([addmm])
except ValueError as error:
    print("a list with the packet:", str(error).split(". ")[0])
    assert "but got: aten.addmm of type" in str(error)
else:
    raise SystemExit("a list takes a packet now")
EOF
"$room/venv/bin/python" policies.py
