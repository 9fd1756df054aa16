"""``torchgraph demo``: records a model, makes it worse without changing its numbers, and shows the failing test."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import SAME, Wrong
from pytest_torchgraph.cli.streams import say
from pytest_torchgraph.cli.verbs.project import demo_project

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

PLUGINS = ("-p", "syrupy", "-p", "pytest_torchgraph.plugin.hooks", "-p", "no:cacheprovider")
MODEL_NAMES = {True: "GPT-2 from transformers", False: "a small transformer"}


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "demo",
        help="show the main job on a small test project",
        description="Write a test project into a temporary folder, record its model, make the model worse in a way "
        "that keeps its numbers, show the failing test, accept the change. Nothing is left behind.",
    )
    parser.add_argument("--keep", metavar="FOLDER", help="write the project there instead, and leave it")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demonstration in a folder of its own."""
    if find_spec("torch") is None:
        raise Wrong(
            "the demonstration runs a model, and PyTorch is not installed in this environment: pip install torch"
        )
    if arguments.keep is not None:
        folder = Path(arguments.keep)
        _require_free(folder)
        play(folder, _say)
        _say(f"\nThe project is in {folder}.")
        return SAME
    with tempfile.TemporaryDirectory(prefix="torchgraph-demo-") as temporary:
        play(Path(temporary), _say)
    return SAME


def play(folder: Path, say: Callable[[str], None]) -> None:
    """The steps, each told through *say*; raises :class:`Wrong` when one ends otherwise than it should."""
    for name, text in demo_project.files().items():
        (folder / name).write_text(text, encoding="utf-8")
    say(f"1. A test project with {MODEL_NAMES[demo_project.has_transformers()]}. The test of its graph is two lines:\n")
    say("       def test_graph(torch_graph):\n           torch_graph.check(build(), TOKENS)\n")
    say("2. Record the graph.\n")
    _pytest(folder, "--torchgraph-update", ends=0)
    say("\n3. Make the model worse: one line more in the attention of model.py. The numbers stay the same.\n")
    say(f"     + {demo_project.ADDED.strip()}\n")
    (folder / "model.py").write_text(demo_project.model_text(worse=True), encoding="utf-8")
    say("4. The test of the numbers passes. The test of the graph fails, and says why.\n")
    _pytest(folder, ends=1)
    say("\n5. Accept the change, as if it had been meant.\n")
    before = _snapshot(folder)
    _pytest(folder, "--torchgraph-update", ends=0)
    say("\n6. A reviewer sees the diff of the snapshot file, one layer for all four:\n")
    say("\n".join(f"     {line}" for line in _diff(before, _snapshot(folder))))
    say("\n7. The tests pass again.\n")
    _pytest(folder, ends=0)


def _snapshot(folder: Path) -> list[str]:
    (path,) = folder.rglob("*.torchgraph")
    return path.read_text(encoding="utf-8").splitlines()


def _diff(before: list[str], after: list[str]) -> list[str]:
    """Changed lines with one line around each stretch of them."""
    return [
        line for line in difflib.unified_diff(before, after, n=1, lineterm="") if not line.startswith(("---", "+++"))
    ]


def _require_free(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise Wrong(f"--keep {folder}: the folder is not empty.")
    except OSError as error:
        raise Wrong(f"--keep {folder}: {error.strerror}.") from None


def _pytest(folder: Path, *options: str, ends: int) -> None:
    _say(f"   $ pytest {' '.join(options)}".rstrip())
    sys.stdout.flush()
    colour = "yes" if sys.stdout.isatty() else "no"
    command = [sys.executable, "-m", "pytest", *PLUGINS, "--no-header", f"--color={colour}", *options]
    code = subprocess.run(command, cwd=folder, env=_environment(), check=False).returncode
    if code != ends:
        raise Wrong(f"pytest ended with {code} where the demonstration expects {ends}; its output is above.")


def _environment() -> dict[str, str]:
    """The caller's, without what would change how pytest runs; this package is found wherever it lies."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    paths = [str(Path(__file__).resolve().parents[4]), kept.get("PYTHONPATH", "")]
    return {
        **kept,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HF_HUB_OFFLINE": "1",
    }


def _say(text: str) -> None:
    say(text + "\n")
    sys.stdout.flush()
