"""A pytest project in a temporary folder, run in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from textwrap import dedent

import pytest

from tests.plugin.forked import Server

HERE = Path(__file__).resolve().parents[2]
PLUGINS = ("-p", "syrupy", "-p", "pytest_torchgraph.plugin.hooks")
STUBS = Path(__file__).with_name("stubs.py")
STRICT = "[pytest]\nfilterwarnings = error\n"
WITH_TORCH = (
    "torch._dynamo",
    "torch._subclasses.fake_tensor",
    "torch.distributed.tensor",
    "torch.fx.experimental.symbolic_shapes",
    "torch.testing._internal.distributed.fake_pg",
    "torch.utils.flop_counter",
    "pytest_torchgraph.capture.fake_run.subject",
    "pytest_torchgraph.capture.replay",
    "pytest_torchgraph.capture.scaling",
    "pytest_torchgraph.capture.tracing",
    "pytest_torchgraph.capture.unfrozen",
)
"""What runs with PyTorch import sooner or later."""


@dataclass(frozen=True)
class Result:
    """How a pytest run ended."""

    code: int
    text: str

    def outcomes(self) -> dict[str, int]:
        """``{"passed": 2, "failed": 1}``, from pytest's last line."""
        last = re.findall(r"^(?:=+ )?(.*) in [\d.]+s.*$", self.text, re.MULTILINE)[-1]
        return {
            word.rstrip("s") if word.startswith("error") else word: int(n)
            for n, word in re.findall(r"(\d+) (\w+)", last)
        }

    def section(self) -> list[str]:
        """The lines of the summary section ``torchgraph``."""
        lines = iter(self.text.splitlines())
        for line in lines:
            if re.fullmatch(r"-+ torchgraph -+", line):
                return list(takewhile(lambda inner: not re.match(r"-{5}|={5}|\d+ \w+.* in [\d.]+s", inner), lines))
        return []


class Project:
    """Files and pytest runs; models are stubs that return graphs made by hand, so that PyTorch is not imported."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, files: dict[str, str]) -> None:
        """Write *files*, dedented."""
        for name, text in files.items():
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(dedent(text), encoding="utf-8")

    def run(self, *arguments: str, plugins: tuple[str, ...] = PLUGINS, **environment: str) -> Result:
        """Run pytest in the project."""
        kept = {
            name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "CI", "GITHUB_", "COV_"))
        }
        path = os.pathsep.join([str(self.path), str(HERE)])
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *plugins, *arguments],
            cwd=self.path,
            env={**kept, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return Result(done.returncode, done.stdout)

    def snapshots(self) -> dict[str, str]:
        """Text of every file in the snapshot folder, by path below it."""
        root = self.path / "snapshots"
        return {
            path.relative_to(root).as_posix(): path.read_text("utf-8")
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }


class QuickProject(Project):
    """The same, run in processes forked from one that has imported pytest and the plugin, with reruns, too."""

    def __init__(self, path: Path, server: Server) -> None:
        super().__init__(path)
        self._server = server

    def run(self, *arguments: str, plugins: tuple[str, ...] = (), cwd: str = ".", **environment: str) -> Result:
        """Run pytest in *cwd*, a folder of the project; the workers of xdist need a whole process."""
        if "-n" in arguments:
            return super().run(*arguments, plugins=PLUGINS, **environment)
        return Result(*self._server.run(self.path / cwd, *plugins, *arguments, top=self.path, **environment))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The process that forks."""
    made = Server()
    yield made
    made.close()


@pytest.fixture(scope="session")
def server_with_torch() -> Iterator[Server]:
    """The same, which has imported PyTorch and what records, too."""
    pytest.importorskip("torch")
    made = Server(*WITH_TORCH)
    yield made
    made.close()


@pytest.fixture
def project(tmp_path: Path, server: Server) -> QuickProject:
    """A project whose ``stubs`` module makes graphs by hand and stands in for the capture room."""
    made = QuickProject(tmp_path, server)
    made.write({"pytest.ini": STRICT, "conftest.py": "import stubs\n"})
    (tmp_path / "stubs.py").write_text(STUBS.read_text("utf-8"), "utf-8")
    return made


@pytest.fixture
def apart(project: QuickProject) -> Project:
    """The same, run in whole processes, as its users do."""
    return Project(project.path)


@pytest.fixture
def live(tmp_path: Path, server_with_torch: Server) -> QuickProject:
    """A project of PyTorch's models."""
    made = QuickProject(tmp_path, server_with_torch)
    made.write({"pytest.ini": STRICT})
    return made
