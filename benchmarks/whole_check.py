"""What one whole check costs, beside that of an earlier build, as a ratio to the bare mode in the same process.

    python -m benchmarks.whole_check 8557aee                 all models, into benchmarks/RESULTS.md
    python -m benchmarks.whole_check 8557aee llama bert      prints the rows of two models
    python -m benchmarks.whole_check 8557aee --stages llama  where the microseconds of each operation go

Each build runs in a process of its own; they take turns, check by check, so that they share the machine's moods. Each
turn is made at another depth of the stack: CPython keeps frames in pieces of 16 KiB, and a loop that happens to call at
the end of one pays for a new piece at every operation. Microseconds are the least that each build and the bare mode
needed in any turn. The ratio of both builds is the median of those within one turn, as a processor that goes at two
speeds may give either build its better moment; the ratio of the least stands in parentheses.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from benchmarks.sections import put
from benchmarks.subjects import SUBJECTS, TITLES

ROOT = Path(__file__).parents[1]
DEPTHS = (0, 11, 23, 37, 53, 71, 89)
KINDS = {
    "seen": "passes, seen before",
    "unseen": "passes, never seen",
    "update": "updates, unchanged",
    "fail": "fails, explained",
}
TITLE = "What a whole check costs"


@dataclass
class Build:
    """A session of one build, and the pipes that lead to it."""

    asks: Any
    answers: Any

    def ask(self, *request: Any) -> dict[str, Any]:
        """What it answers."""
        print(json.dumps(request), file=self.asks, flush=True)
        line = self.answers.readline()
        if not line:
            raise RuntimeError("the session ended")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def session(package: Path) -> Iterator[Build]:
    """A session in which the plugin is that of the folder *package*."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROOT / "benchmarks" / "check_worker.py", Path(folder) / "test_worker.py")
        (asked, asks), (answers, answered) = os.pipe(), os.pipe()
        path = os.pathsep.join((str(package), str(ROOT)))
        environment = {**os.environ, "PYTHONPATH": path, "ASKED": str(asked), "ANSWERS": str(answered)}
        options = ("-q", "-s", "-c", os.devnull, f"--rootdir={folder}", "-W", "ignore", "test_worker.py")
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options],
            cwd=folder,
            env={name: value for name, value in environment.items() if name != "CI"},
            pass_fds=(asked, answered),
            stdout=subprocess.DEVNULL,
        )
        os.close(asked)
        os.close(answered)
        with os.fdopen(asks, "w") as writing, os.fdopen(answers) as reading:
            yield Build(writing, reading)
        process.wait()


@contextmanager
def builds(revision: str) -> Iterator[tuple[Build, Build]]:
    """Sessions of the build at *revision* and of the one at hand."""
    archive = subprocess.check_output(["git", "archive", revision], cwd=ROOT)  # noqa: S607
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        with tarfile.open(fileobj=BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        yield stack.enter_context(session(Path(folder))), stack.enter_context(session(ROOT))


def measured(pair: tuple[Build, Build], name: str, kind: str, rounds: int) -> list[list[dict[str, float]]]:
    """What both builds need in each turn."""
    asked = [(name, kind, DEPTHS[turn % len(DEPTHS)]) for turn in range(rounds)]
    return [[build.ask("measure", *each) for build in pair] for each in asked]


def rows(pair: tuple[Build, Build], name: str, rounds: int) -> Iterator[str]:
    """The lines of one model: ratio to the bare mode in both builds, and that of both."""
    counted = [build.ask("load", name)["operations"] for build in pair][1]
    for kind, title in KINDS.items():
        found = measured(pair, name, kind, rounds)
        bare = min(one["bare"] for both in found for one in both)
        before, after = (min(one[side]["check"] for one in found) for side in (0, 1))
        median = statistics.median(one[1]["check"] / one[0]["check"] for one in found)
        micro = (f"{seconds / counted * 1e6:.0f}" for seconds in (bare, before, after))
        ratios = f"{before / bare:.1f}", f"{after / bare:.1f}", f"**{median:.2f}** ({after / before:.2f})"
        yield f"| {' | '.join((TITLES[name], title, *micro, *ratios))} |"


HEAD = (
    "| model | the check | bare, us/op | before, us/op | now, us/op | before, x bare | now, x bare | now / before |",
    "|---|---|---|---|---|---|---|---|",
)


def stage_rows(pair: tuple[Build, Build], name: str, kind: str, rounds: int) -> Iterator[str]:
    """Microseconds an operation by stage in both builds, the least of some turns."""
    counted = [build.ask("load", name)["operations"] for build in pair][1]
    found = [[build.ask("stages", name, kind) for build in pair] for _ in range(rounds)]
    names = list(dict.fromkeys(stage for both in found for one in both for stage in one))
    for stage in names:
        before, after = (min(one[side].get(stage, 0.0) for one in found) / counted * 1e6 for side in (0, 1))
        yield f"| {TITLES[name]} | {stage} | {before:.1f} | {after:.1f} |"


def memory_rows(pair: tuple[Build, Build], name: str) -> Iterator[str]:
    """Bytes an operation of log, record and canonical graph in both builds."""
    counted = [build.ask("load", name)["operations"] for build in pair][1]
    before, after = (build.ask("memory", name) for build in pair)
    cells = (f"{one[key] / counted:.0f}" for key in ("held", "peak") for one in (before, after))
    shares = (f"{after[key] / before[key]:.2f}" for key in ("held", "peak"))
    yield f"| {TITLES[name]} | {' | '.join((*cells, *shares))} |"


def main() -> None:
    """Print the tables; with all models, write them down."""
    parser = argparse.ArgumentParser()
    parser.add_argument("revision")
    parser.add_argument("models", nargs="*")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--stages", metavar="KIND")
    parser.add_argument("--memory", action="store_true")
    chosen = parser.parse_intermixed_args()
    for kind in set(KINDS) - set(chosen.kinds.split(",")):
        del KINDS[kind]
    lines = []
    with builds(chosen.revision) as pair:
        for name in chosen.models or SUBJECTS:
            if chosen.memory:
                found = memory_rows(pair, name)
            elif chosen.stages:
                found = stage_rows(pair, name, chosen.stages, chosen.rounds)
            else:
                found = rows(pair, name, 1 if name == "chain" else chosen.rounds)
            for line in found:
                print(line, flush=True)
                lines.append(line)
    if not (chosen.models or chosen.memory or chosen.stages):
        put(TITLE, [f"Python {platform.python_version()}, {__doc__ or ''}", "", *HEAD, *lines])


if __name__ == "__main__":
    main()
