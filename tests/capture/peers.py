"""Real ranks with gloo, each a process of its own, that record what a test gives them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
RANK = """
import json, sys
from datetime import timedelta
import torch
from torch import distributed
from tests.capture import peers

rank, size, path, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
distributed.init_process_group(
    "gloo", store=distributed.FileStore(path, size), rank=rank, world_size=size, timeout=timedelta(seconds=40)
)
module, _, function = name.partition(":")
print("told", json.dumps(getattr(__import__(module, fromlist=[function]), function)(rank)))
sys.stdout.flush()
import os
os._exit(0)  # what a rank was about to send is given up
"""


def of_each_rank(function: Any, folder: Path, size: int = 2) -> list[Any]:
    """What *function*, of a module and given the rank, returns on each of *size* ranks."""
    name = f"{function.__module__}:{function.__name__}"
    command = [sys.executable, "-c", RANK]
    ranks = [
        subprocess.Popen(
            [*command, str(rank), str(size), str(folder / "store"), name],
            cwd=HERE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(size)
    ]
    outputs = [rank.communicate(timeout=100)[0] for rank in ranks]
    return [told_by(output) for output in outputs]


def told_by(output: str) -> Any:
    """What a rank told."""
    lines = [line for line in output.splitlines() if line.startswith("told ")]
    assert lines, output
    return json.loads(lines[0].removeprefix("told "))
