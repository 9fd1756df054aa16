"""The examples run as a newcomer runs them, and say what they promise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
SAYS = {
    "summary": ("operations in 37 module calls", "layers.*: TransformerEncoderLayer ×4", "critical path"),
    "training_loop": ("step 4: loss", "forward: ", "backward: ", "optimizer: "),
    "memory_timeline": ("backward", "PPPP", "peak: ", "timeline: "),
    "compare_two_versions": ("The numbers are the same", "+4 aten.clone"),
}


def test_every_example_is_run() -> None:
    assert {path.stem for path in (PROJECT / "examples").glob("*.py")} == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace.json"
    arguments = [str(trace)] if name == "memory_timeline" else []
    done = subprocess.run(
        [sys.executable, "-W", "error", str(PROJECT / "examples" / f"{name}.py"), *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert [words for words in SAYS[name] if words not in done.stdout] == [], done.stdout
    if arguments:
        assert json.loads(trace.read_text("utf-8"))["traceEvents"]
