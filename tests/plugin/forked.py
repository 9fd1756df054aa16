"""pytest runs in processes forked from one that has imported it all: as apart as processes are, in a tenth of the time.

As a program it is the process that forks: it reads runs from its input, one JSON object a line, and answers each.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
PRELOADED = (
    "pytest_torchgraph.plugin.fixture",
    "pytest_torchgraph.plugin.session.unused",
    "pytest_torchgraph.plugin.session.summary",
    "pytest_torchgraph.plugin.session.following",
    "pytest_torchgraph.snapshot.unclaimed",
    "pytest_torchgraph.report.review",
    "pytest_torchgraph.report.outline",
    "pytest_torchgraph.report.terminal",
    "pytest_torchgraph.comparison",
    "pytest_torchgraph.snapshot.reader",
    "pytest_torchgraph.snapshot.writer",
    "pytest_torchgraph.snapshot.recorded",
    "pytest_torchgraph.snapshot.saving",
    "pytest_torchgraph.verdict.budget",
    "hypothesis",
)
PLUGINS = {"syrupy": "syrupy", "rerunfailures": "pytest_rerunfailures", "torchgraph": "pytest_torchgraph.plugin.hooks"}


class Server:
    """The process that forks; it has imported the modules *preloaded* too."""

    def __init__(self, *preloaded: str) -> None:
        self.planted: dict[str, str] = {}
        """Defects to plant in the runs: an expression for what stands at ``module:name``."""
        environment = {
            name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "CI", "COV_"))
        }
        self._process = subprocess.Popen(
            [sys.executable, "-B", "-m", "tests.plugin.forked", *preloaded],
            cwd=HERE,
            env={**environment, "PYTHONPATH": str(HERE), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path, *arguments: str, top: Path, **environment: str) -> tuple[int, str]:
        """The exit code and the output of ``pytest *arguments`` in *folder*; modules lie in *top*."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        output = top / ".pytest-output"
        asked: dict[str, Any] = {
            "folder": str(folder),
            "top": str(top),
            "arguments": arguments,
            "environment": environment,
        }
        asked |= {"output": str(output), "planted": self.planted}
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        code = int(self._process.stdout.readline())
        text = output.read_text("utf-8", errors="replace")
        output.unlink()
        return code, text

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)


def serve() -> None:
    """Fork for each line of the input."""
    _preload()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _run(json.loads(line))
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def _preload() -> None:
    from importlib import import_module

    from _pytest.config import default_plugins

    own = (f"_pytest.{name}" for name in default_plugins)
    for name in ("pytest", "pdb", "xml.etree.ElementTree", *own, *PRELOADED, *sys.argv[1:], *PLUGINS.values()):
        import_module(name)
    # What is imported already cannot be rewritten, of which pytest would warn.
    import_module("xdist.plugin")
    for name in (*PLUGINS.values(), "xdist.plugin"):
        module = sys.modules[name]
        module.__doc__ = f"{module.__doc__}\nPYTEST_DONT_REWRITE"
    # pytest collects garbage at the end of each run, and need not look at all this again.
    gc.freeze()


def _run(asked: dict[str, Any]) -> None:
    """One run, in a process of its own, which it ends."""
    import pytest

    output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(asked["folder"])
    os.environ.update(asked["environment"])
    sys.path.insert(0, asked["top"])
    code: int = 70
    try:
        for place, defect in asked["planted"].items():
            _plant(place, defect)
        plugins = [argument for name in PLUGINS.values() for argument in ("-p", name)]
        code = int(pytest.main([*plugins, *asked["arguments"]]))
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _plant(place: str, defect: str) -> None:
    from importlib import import_module

    module, _, names = place.partition(":")
    *above, name = names.split(".")
    holder: Any = import_module(module)
    for each in above:
        holder = getattr(holder, each)
    setattr(holder, name, eval(defect, {**vars(import_module(module)), "sound": getattr(holder, name)}))  # noqa: S307


if __name__ == "__main__":
    serve()
