#!/usr/bin/env bash
# A subclass of FakeTensorMode, however empty, runs no higher-order operator, and setting the attribute that the message names ends in another error.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

print("torch", torch.__version__)


class Same(FakeTensorMode):
    pass


class Advised(FakeTensorMode):
    supports_higher_order_operators = True


def conditional(x):
    return torch.cond(x.sum() > 0, lambda x: x + 1, lambda x: x - 1, (x,))


raised = {}
for mode in (FakeTensorMode, Same, Advised):
    with mode():
        try:
            conditional(torch.ones(3))
        except Exception as error:
            raised[mode.__name__] = type(error)
            print(f"{mode.__name__}: {type(error).__name__}: {error}")
        else:
            print(f"{mode.__name__}: runs")
assert raised == {"Same": NotImplementedError, "Advised": AttributeError}
EOF
