#!/usr/bin/env bash
# PyTorch 2.9 takes a dispatch mode that only its stack holds off the stack, deletes it, and returns it all the same.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"

tried() {
    "$room/venv/bin/pip" install --quiet --disable-pip-version-check "torch==$1" numpy==2.4.6
    "$room/venv/bin/python" -W ignore - "$2" <<'EOF'
import os
import sys

import torch
from torch.utils import _python_dispatch as modes

print("torch", torch.__version__)
deleted = []


class LookOn(modes.TorchDispatchMode):
    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return operation(*args, **(kwargs or {}))

    def __del__(self):
        deleted.append(True)


LookOn().__enter__()
torch.ones(2)
assert not deleted  # the stack holds it
popped = modes._pop_mode()
print("deleted while it was taken off:", bool(deleted))
assert bool(deleted) == (sys.argv[1] == "deleted")
sys.stdout.flush()
os._exit(0)  # to push it again, as _disable_current_modes does, ends the process
EOF
}

tried 2.9.1 deleted
tried 2.13.0 held
