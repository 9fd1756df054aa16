"""What the first check of a process, a session, a graph of 100,000 operations and commands cost, beside another build.

    python -m benchmarks.beside 8557aee first     the first check of a process, passing: CPU time with all it imports
    python -m benchmarks.beside 8557aee session   100 checks of ten models, and these models alone: CPU time
    python -m benchmarks.beside 8557aee large     to write, read, compare and explain operations that are all different
    python -m benchmarks.beside 8557aee commands  commands without PyTorch and loading the plugin, in CPU time

Each build runs in processes of its own, which take turns; told is the least that each needed in any turn.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIRST = """
import json, os, time
import torch
from torch import nn


def test_first(torch_graph):
    torch.set_num_threads(1)
    blocks = [nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.LayerNorm(64)) for _ in range(12)]
    model, x = nn.Sequential(*blocks).eval(), torch.ones(4, 64)
    begun = time.thread_time()
    torch_graph.check(model, x)
    with open(os.environ["TOLD"], "w") as told:
        json.dump({"first check": time.thread_time() - begun}, told)
"""
LARGE = """
import json, os, sys
import torch
from benchmarks.snapshots import best, compare, explained, read, settled, trace, unlike, write, OPERATIONS
from benchmarks import snapshots

torch.set_num_threads(1)
snapshots.ROUNDS = 2
x = torch.ones(2, 2)
with torch.no_grad():
    before, after = trace(unlike, x), trace(lambda x: unlike(x, cloned=OPERATIONS // 2), x)
found = {}
found["canonical graph"], program = best(lambda: settled(before))
edited = after.canonical
found["write"], text = best(lambda: write(program, test="t", recorded="r"))
found["read"], back = best(lambda: read(text))
found["compare"], _ = best(lambda: compare(back.program, edited))
found["explain, comparing included"], _ = best(lambda: explained(back.program, edited))
found["write, read and explain"] = found["write"] + found["read"] + found["explain, comparing included"]
with open(os.environ["TOLD"], "w") as told:
    json.dump(found, told)
"""


COMMAND = """
import contextlib, io, json, os, sys, time
from pytest_torchgraph.cli.main import main

with contextlib.redirect_stdout(io.StringIO()):
    main(sys.argv[2:])
assert "torch" not in sys.modules
with open(os.environ["TOLD"], "w") as told:
    json.dump({sys.argv[1]: time.process_time()}, told)
"""
LOADING = """
import json, os, time

def pytest_unconfigure():
    with open(os.environ["TOLD"], "w") as told:
        json.dump({os.environ["WHAT"]: time.process_time()}, told)
"""
SESSION = """
import importlib, os
from collections.abc import Mapping
import pytest, torch

NAMES = "mlp block bottleneck densenet encoder_layer grouped_attention gru lora mha moe".split()

@pytest.mark.parametrize("turn", range(10))
@pytest.mark.parametrize("name", NAMES)
def test_model(name, turn, request):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    given = importlib.import_module("tests.models." + name).example()
    if os.environ["CHECKED"]:
        request.getfixturevalue("torch_graph").check(given.model, given.args, given.kwargs)
    elif isinstance(given.args, Mapping):
        given.model(**given.args, **given.kwargs)
    else:
        given.model(*(given.args if isinstance(given.args, tuple) else (given.args,)), **given.kwargs)
"""


def ran(arguments: list[str], folder: Path, package: Path) -> dict[str, float]:
    """What a process of the build at *package* wrote down; nothing where it wrote nothing."""
    told = folder / "told.json"
    told.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(package), "TOLD": str(told), "OMP_NUM_THREADS": "1"}
    environment.pop("CI", None)
    # As where a package is installed: what was compiled once is kept, here for the time of the benchmark.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, check=False)
    if not told.exists():
        raise RuntimeError(done.stdout.decode() + done.stderr.decode())
    found: dict[str, float] = json.loads(told.read_text())
    return found


def first(folder: Path, package: Path) -> Iterator[dict[str, float]]:
    """The first check of one process after the other: it was recorded, and has passed before."""
    (folder / "test_first.py").write_text(FIRST, encoding="utf-8")
    command = ["-m", "pytest", "-q", "-c", os.devnull, f"--rootdir={folder}", "-W", "ignore", "test_first.py"]
    ran([*command, "--torchgraph-update"], folder, package)
    ran(command, folder, package)
    while True:
        yield ran(command, folder, package)


def large(folder: Path, package: Path) -> Iterator[dict[str, float]]:
    """What operations that are all different cost, in one process after the other."""
    while True:
        yield ran(["-c", LARGE], folder, package)


def session(folder: Path, package: Path) -> Iterator[dict[str, float]]:
    """What sessions of a hundred tests take; where none was seen before, pytest's cache is empty."""
    (folder / "conftest.py").write_text(LOADING, encoding="utf-8")
    (folder / "test_session.py").write_text(SESSION, encoding="utf-8")
    command = ["-m", "pytest", "-q", "-c", os.devnull, f"--rootdir={folder}", "-W", "ignore", "test_session.py"]
    os.environ |= {"CHECKED": "yes", "WHAT": "recorded"}
    ran([*command, "--torchgraph-update"], folder, package)
    ways = {"the models alone": [], "100 checks, never seen": ["--cache-clear"], "100 checks, seen before": []}
    while True:
        found: dict[str, float] = {}
        for what, options in ways.items():
            os.environ |= {"CHECKED": "" if what == "the models alone" else "yes", "WHAT": what}
            found |= ran([*command, *options], folder, package)
        yield found


def commands(folder: Path, package: Path) -> Iterator[dict[str, float]]:
    """What commands without PyTorch take, Python's own start included, and pytest with syrupy and with the plugin."""
    (folder / "conftest.py").write_text(LOADING, encoding="utf-8")
    (folder / "test_it.py").write_text("def test_it(): pass\n", encoding="utf-8")
    llama = package / "snapshots" / "tests" / "real" / "test_llama" / "test_llama.torchgraph"
    other = llama.with_name("test_llama_prefill.torchgraph")
    verbs = {"torchgraph show": ["show", str(llama)], "torchgraph diff": ["diff", str(llama), str(other)]}
    pytest = ["-m", "pytest", "--collect-only", "-q", "-c", os.devnull, f"--rootdir={folder}", "-p", "syrupy"]
    plugins = {"pytest with syrupy": [], "pytest with syrupy and the plugin": ["-p", "pytest_torchgraph.plugin.hooks"]}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    while True:
        found: dict[str, float] = {}
        for what, arguments in verbs.items():
            found |= ran(["-c", COMMAND, what, *arguments], folder, package)
        for what, arguments in plugins.items():
            os.environ["WHAT"] = what
            found |= ran([*pytest, *arguments, "test_it.py"], folder, package)
        yield found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("revision")
    parser.add_argument("what", choices=("first", "session", "large", "commands"))
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    archive = subprocess.check_output(["git", "archive", chosen.revision], cwd=ROOT)  # noqa: S607
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, each) for each in ("before", "first", "second")]
        for folder in folders:
            folder.mkdir()
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(folders[0], filter="data")
        measure = {"first": first, "session": session, "large": large, "commands": commands}[chosen.what]
        turns = measure(folders[1], folders[0]), measure(folders[2], ROOT)
        found = [[next(turn) for turn in turns] for _ in range(chosen.rounds)]
    print("| what | before | now | now / before |\n|---|---|---|---|")
    for what in found[0][0]:
        before, after = (min(one[side][what] for one in found) for side in (0, 1))
        print(f"| {what} | {before:.3f} s | {after:.3f} s | {after / before:.2f} |")


if __name__ == "__main__":
    main()
