"""How long a person waits: starting commands, loading the plugin, reading catalogues.

    python -m benchmarks.commands          prints the table and writes it to benchmarks/COMMANDS.md

Wall time, the best of three, each in a process of its own; less than Python itself takes to start.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_name("COMMANDS.md")
SNAPSHOTS = ROOT / "snapshots" / "tests" / "real"
ROUNDS = 3


def kept(folder: Path) -> dict[str, str]:
    """The environment of a process, in which what was compiled once is kept, as where a package is installed."""
    others = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**others, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}


def best(arguments: list[str], folder: Path) -> float:
    """Seconds of the fastest of three runs of Python with *arguments*."""
    seconds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=folder, env=kept(folder), capture_output=True, check=False)
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def imports(folder: Path) -> float:
    """Seconds that pytest takes to import this package's modules."""
    tests = ["-m", "pytest", "--collect-only", "-p", "syrupy", "-p", "pytest_torchgraph.plugin.hooks"]
    command = [sys.executable, "-X", "importtime", *tests]
    told = subprocess.run(command, cwd=folder, env=kept(folder), capture_output=True, check=False, text=True).stderr
    own = re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+pytest_torchgraph", told)
    return sum(map(int, own)) / 1e6


def rows(folder: Path) -> Iterator[tuple[str, float]]:
    """What is waited for, and for how long."""
    bare = best(["-c", "pass"], folder)
    llama, *_ = sorted(SNAPSHOTS.glob("test_llama/test_llama.torchgraph"))
    command = ["-c", "import sys; from pytest_torchgraph.cli.main import main; sys.exit(main(sys.argv[1:]))"]
    yield "torchgraph show", best([*command, "show", str(llama)], folder) - bare
    other = llama.with_name("test_llama_prefill.torchgraph")
    yield "torchgraph diff", best([*command, "diff", str(llama), str(other)], folder) - bare
    yield "torchgraph autograd inventory", best([*command, "autograd", "inventory"], folder) - bare
    torch = best(["-c", "import torch"], folder)
    collect = "from pytest_torchgraph.catalog.operations import *; PyTorchOperationCollector().operators"
    yield "collecting PyTorch's operations, after import torch", best(["-c", collect], folder) - torch
    (folder / "test_it.py").write_text("def test_it(): pass\n", encoding="utf-8")
    yield "loading the plugin, in pytest --collect-only with syrupy", min(imports(folder) for _ in range(ROUNDS))


def main() -> None:
    """Print and write the table."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"| {name} | {seconds:.2f} s |\n" for name, seconds in rows(Path(folder))]
    text = "".join(
        (
            "# How long a person waits\n\n",
            f"torch {version('torch')}, Python {platform.python_version()}, {platform.machine()}; the best of three, ",
            "less than Python itself takes to start.\n\n| what | time |\n|---|---|\n",
            *lines,
        )
    )
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
