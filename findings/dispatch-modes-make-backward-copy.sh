#!/usr/bin/env bash
# A dispatch mode that only looks on changes the kernels of a backward pass: the gradient of x[mask] is copied once more.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
import torch
from torch.profiler import profile
from torch.utils._python_dispatch import TorchDispatchMode

print("torch", torch.__version__)


class LookOn(TorchDispatchMode):
    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return operation(*args, **(kwargs or {}))


def backward(looked_at):
    x = torch.randn(3, requires_grad=True)
    selected = x[torch.tensor([True, False, True])].sum()
    with profile() as profiler:
        if looked_at:
            with LookOn():
                selected.backward()
        else:
            selected.backward()
    return {event.name for event in profiler.events() if event.name.startswith("aten::")}


alone, looked_at = backward(False), backward(True)
print("under a mode only:", sorted(looked_at - alone))
assert "aten::_index_put_impl_" in alone
assert looked_at - alone == {"aten::index_put", "aten::index_put_", "aten::clone", "aten::copy_"}
assert alone - looked_at == set()
EOF
