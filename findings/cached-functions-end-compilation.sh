#!/usr/bin/env bash
# torch.compile of a function that calls one with functools.lru_cache ends in an internal error where warnings are errors.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
import functools
import warnings

import torch
from torch._dynamo.exc import InternalTorchDynamoError

print("torch", torch.__version__)


@functools.lru_cache
def factor():
    return 2


def scaled(x):
    return x * factor()


print("warnings are ignored:", torch.compile(scaled, backend="eager")(torch.ones(2)))
torch._dynamo.reset()
warnings.simplefilter("error")
try:
    torch.compile(scaled, backend="eager")(torch.ones(2))
except InternalTorchDynamoError as error:
    print("warnings are errors:", type(error).__name__, str(error).partition("\n")[0])
    assert "Dynamo detected a call to a `functools.lru_cache`-wrapped function" in str(error)
else:
    raise AssertionError("it compiles")
EOF
