"""Install a wheel into an environment of its own and use the plugin there as a stranger would.

    python .ci/wheel.py WHEEL FOLDER

FOLDER is made. The dependencies are those of the running interpreter, reached through a path file, so that only the
package itself is installed a second time; the checkout is not on the path.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from textwrap import dedent

MODEL = """
    import torch
    from torch import nn


    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(16)
            self.up = nn.Linear(16, 32)
            self.down = nn.Linear(32, 16)

        def forward(self, x):
            hidden = torch.relu(self.up(self.norm(x)))
            return x + self.down(hidden)
"""
TEST = """
    import torch
    from torch import nn
    from model import Block


    def test_blocks(torch_graph):
        torch_graph.check(nn.Sequential(*[Block() for _ in range(4)]).eval(), torch.randn(2, 8, 16))
"""
SOUND, WORSE = "torch.relu(self.up(self.norm(x)))", "torch.relu(self.up(self.norm(x))).clone()"


def environment(wheel: Path, folder: Path) -> Path:
    """The interpreter of a new environment with *wheel* in it, all else borrowed."""
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    ask = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip())
    run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--target",
            str(site),
            str(wheel),
        ]
    )
    # A plain path entry: path files inside the borrowed folder, an editable install's among them, are not followed.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return python


def run(command: list[str], *, cwd: Path | None = None, code: int = 0) -> str:
    """Output of *command*, which must exit with *code*; shown where it does not."""
    kept = {name: text for name, text in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(
        command, cwd=cwd, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != code:
        sys.exit(f"$ {' '.join(command)}\n{done.stdout}\nexit code {done.returncode}, not {code}")
    return done.stdout


def require(found: bool, promise: str) -> None:  # noqa: FBT001 - a condition reads best in place
    """End the run where *promise* is broken."""
    if not found:
        sys.exit(f"broken promise: {promise}")


def main(wheel: Path, folder: Path) -> None:
    """Record, pass, break, fail, accept."""
    folder.mkdir(parents=True)
    python = str(environment(wheel, folder))
    project = folder / "project"
    project.mkdir()
    (project / "model.py").write_text(dedent(MODEL), encoding="utf-8")
    (project / "test_model.py").write_text(dedent(TEST), encoding="utf-8")
    where = run([python, "-c", "import pytest_torchgraph; print(pytest_torchgraph.__file__)"], cwd=project)
    require(str(folder.resolve()) in str(Path(where.strip()).resolve()), "the wheel is tested, not the checkout")

    pytest = [python, "-m", "pytest", "-p", "no:cacheprovider"]
    run(pytest, cwd=project, code=1)
    require(not (project / "snapshots").exists(), "a run without --torchgraph-update writes nothing")
    run([*pytest, "--torchgraph-update"], cwd=project)
    (snapshot,) = (project / "snapshots").rglob("*.torchgraph")
    run(pytest, cwd=project)
    (project / "model.py").write_text(dedent(MODEL).replace(SOUND, WORSE), encoding="utf-8")
    failure = run(pytest, cwd=project, code=1)
    require("clone" in failure and "model.py:" in failure, "a failure names the operation and the source line")
    require("--torchgraph-update" in failure, "a failure names the command that accepts it")
    run([*pytest, "--torchgraph-update"], cwd=project)
    run(pytest, cwd=project)
    run([python, "-m", "pytest_torchgraph.cli.main", "show", str(snapshot)], cwd=project)
    sys.stdout.write("the wheel records, passes, fails, explains and accepts\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
