"""Real ranks that run the same tests, each a pytest of its own, as under ``torchrun``."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.plugin.conftest import HERE, PLUGINS, Project

pytest.importorskip("torch")

CONFTEST = """
    import os
    from datetime import timedelta
    import pytest
    from torch import distributed

    @pytest.fixture(scope="session", autouse=True)
    def group():
        rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        store = distributed.FileStore(os.environ["STORE"], size)
        distributed.init_process_group("gloo", store=store, rank=rank, world_size=size, timeout=timedelta(seconds=60))
        yield
        distributed.destroy_process_group()
"""
TEST = """
    import os
    import torch
    from torch import distributed, nn

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            x = self.layer(x)
            distributed.all_reduce(x, {REDUCTION})
            return x if os.environ["RANK"] == "0" else x * 2

    def test_model(torch_graph):
        torch_graph.check(Model().eval().requires_grad_(False), torch.ones(2, 4))
"""
SUM = "distributed.ReduceOp.SUM"
EITHER = "distributed.ReduceOp.MAX if os.environ['RANK'] == '1' else distributed.ReduceOp.SUM"


def run(project: Project, *arguments: str) -> list[tuple[int, str]]:
    """Exit code and output of pytest on each of two ranks."""
    (project.path / "store").unlink(missing_ok=True)
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "CI", "GITHUB_"))}
    environment |= {"PYTHONPATH": f"{project.path}{os.pathsep}{HERE}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment |= {"WORLD_SIZE": "2", "STORE": str(project.path / "store"), "COLUMNS": "200"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *PLUGINS, *arguments]
    ranks = [
        subprocess.Popen(
            command,
            cwd=project.path,
            env={**environment, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    outputs = [rank.communicate(timeout=100)[0] for rank in ranks]
    return [(rank.returncode, output) for rank, output in zip(ranks, outputs, strict=True)]


@pytest.mark.long
def test_each_rank_has_a_snapshot_of_its_own_and_all_agree_on_what_they_send(project: Project) -> None:
    project.write({"conftest.py": CONFTEST, "test_m.py": TEST.replace("{REDUCTION}", SUM)})
    for arguments in (("--torchgraph-update",), ()):
        ended = run(project, *arguments)
        assert [code for code, _ in ended] == [0, 0], ended
    names = sorted(path.name for path in (project.path / "snapshots" / "test_m").iterdir())
    assert names == ["test_model.rank1.torchgraph", "test_model.torchgraph"]
    texts = [(project.path / "snapshots" / "test_m" / name).read_text(encoding="utf-8") for name in names]
    assert ["rank 1 of 2" in text for text in texts] == [True, False]
    assert ["mul(" in text for text in texts] == [True, False]

    project.write({"test_m.py": TEST.replace("{REDUCTION}", EITHER)})
    for code, output in run(project):
        assert code == 1
        assert "rank 0: all_reduce(float32[2,4], sum)" in output
        assert "rank 1: all_reduce(float32[2,4], max)" in output
