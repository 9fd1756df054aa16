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


def test_a_giant_is_held_to_a_budget_on_any_machine(live: Project) -> None:
    live.write({"test_x.py": TEST.replace("LIMIT", '"30 TB"')})
    assert live.run("--torchgraph-update").code == 0
    assert live.run().code == 0
    text = live.snapshots()["test_x/test_giant.torchgraph"]
    assert "\nrun fake, train, grad, cpu\n" in text
    live.write({"test_x.py": TEST.replace("LIMIT", '"80 GB"')})
    result = live.run()
    assert result.code == 1
    assert "TiB, budget at most 74.5 GiB" in result.text


@pytest.mark.parametrize("first", [True, False])
def test_a_fake_run_is_not_compared_with_a_real_one_unasked(live: Project, first: bool) -> None:
    live.write({"test_x.py": SMALL.replace("FAKE", str(first))})
    assert live.run("--torchgraph-update").code == 0
    live.write({"test_x.py": SMALL.replace("FAKE", str(not first))})
    result = live.run()
    assert result.code == 1
    ran, stored = ("real", "fake") if first else ("fake", "real")
    assert f"was not compared: this is a {ran} run, and its snapshot is of a {stored} one" in result.text
    assert "accept: pytest" in result.text
    assert live.run("--torchgraph-update").code == 0
    assert live.run().code == 0


def test_a_check_is_not_verified_where_it_is_fake(live: Project) -> None:
    live.write({"test_x.py": SMALL.replace("FAKE", "True")})
    assert live.run("--torchgraph-update", "--torchgraph-verify").code == 0


def test_an_exported_program_is_checked_without_inputs(live: Project) -> None:
    live.write(
        {
            "test_m.py": """
                import torch
                from torch import nn

                def test_m(torch_graph):
                    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).eval()
                    torch_graph.check(torch.export.export(model, (torch.ones(2, 4),)))
            """
        }
    )
    assert live.run("--torchgraph-update").code == 0
    assert live.run().code == 0
    (snapshot,) = live.path.rglob("*.torchgraph")
    text = snapshot.read_text(encoding="utf-8")
    assert "run fake, none, grad, cpu" in text
    assert "0: Linear = addmm" in text
