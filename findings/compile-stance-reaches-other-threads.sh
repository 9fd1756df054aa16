#!/usr/bin/env bash
# torch.compiler.set_stance, used as a context manager in one thread, decides whether another thread compiles.
set -euo pipefail

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6

"$room/venv/bin/python" -W ignore - <<'EOF'
from threading import Thread

import torch

print("torch", torch.__version__)
graphs = []


def backend(graph, _):
    graphs.append(graph)
    return graph.forward


@torch.compile(backend=backend)
def function(x):
    return x + 1


def in_another_thread():
    thread = Thread(target=function, args=(torch.ones(3),))
    thread.start()
    thread.join()


with torch.compiler.set_stance("force_eager"):
    in_another_thread()
print("compiled while the main thread was told to run eagerly:", len(graphs))
assert len(graphs) == 0
in_another_thread()
print("and afterwards:", len(graphs))
assert len(graphs) == 1
EOF
