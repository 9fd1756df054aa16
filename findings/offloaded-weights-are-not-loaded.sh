#!/usr/bin/env bash
# load_state_dict of a model under accelerate's cpu_offload says that all keys match, and the model computes with its old weights.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6 accelerate==1.15.0

"$room/venv/bin/python" -W ignore - <<'EOF'
import accelerate
import torch
from torch import nn

print("torch", torch.__version__, "accelerate", accelerate.__version__)
x = torch.ones(1, 4)


def loaded(model):
    """What is said of loading zeros, and whether the results are zero then."""
    said = model.load_state_dict({name: torch.zeros(*value.shape) for name, value in model.state_dict().items()})
    return str(said), bool((model(x) == 0).all())


plain = loaded(nn.Sequential(nn.Linear(4, 4)))
offloaded = loaded(accelerate.cpu_offload(nn.Sequential(nn.Linear(4, 4)), execution_device="cpu"))
print("plain:", plain, "offloaded:", offloaded)
assert plain == ("<All keys matched successfully>", True)
assert offloaded == ("<All keys matched successfully>", False)
EOF
