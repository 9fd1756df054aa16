"""A check under fake tensors: recorded and compared like any other, and never with a real run unasked."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project

TEST = """
    import torch
    from torch import nn

    def test_giant(torch_graph):
        torch_graph.check(
            lambda: nn.Linear(2**20, 2**20), lambda: torch.zeros(1, 2**20), fake=True,
            backward=True, optimizer=torch.optim.AdamW, budget={"peak": LIMIT},
        )
"""
SMALL = """
    import torch
    from torch import nn

    def test_small(torch_graph):
        torch.manual_seed(0)
        torch_graph.check(nn.Linear(4, 4), torch.zeros(1, 4), fake=FAKE)
"""


@pytest.fixture(autouse=True)
def with_torch(project: Project) -> None:
    pytest.importorskip("torch")
    project.write({"conftest.py": ""})


def test_a_giant_is_held_to_a_budget_on_any_machine(project: Project) -> None:
    project.write({"test_x.py": TEST.replace("LIMIT", '"30 TB"')})
    assert project.run("--torchgraph-update").code == 0
    assert project.run().code == 0
    text = project.snapshots()["test_x/test_giant.torchgraph"]
    assert "\nrun fake, train, grad, cpu\n" in text
    project.write({"test_x.py": TEST.replace("LIMIT", '"80 GB"')})
    result = project.run()
    assert result.code == 1
    assert "TiB, budget at most 74.5 GiB" in result.text


@pytest.mark.parametrize("first", [True, False])
def test_a_fake_run_is_not_compared_with_a_real_one_unasked(project: Project, first: bool) -> None:
    project.write({"test_x.py": SMALL.replace("FAKE", str(first))})
    assert project.run("--torchgraph-update").code == 0
    project.write({"test_x.py": SMALL.replace("FAKE", str(not first))})
    result = project.run()
    assert result.code == 1
    ran, stored = ("real", "fake") if first else ("fake", "real")
    assert f"was not compared: this is a {ran} run, and its snapshot is of a {stored} one" in result.text
    assert "accept: pytest" in result.text
    assert project.run("--torchgraph-update").code == 0
    assert project.run().code == 0


def test_a_check_is_not_verified_where_it_is_fake(project: Project) -> None:
    project.write({"test_x.py": SMALL.replace("FAKE", "True")})
    assert project.run("--torchgraph-update", "--torchgraph-verify").code == 0
