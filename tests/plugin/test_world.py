"""Checks of one rank of a sharded model."""

from __future__ import annotations

from tests.plugin.conftest import Project

TEST = """
    import torch
    from torch import distributed, nn
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    def build():
        model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))
        mesh = init_device_mesh("cpu", (4,))
        for layer in {LAYERS}:
            fully_shard(layer, mesh=mesh)
        return fully_shard(model, mesh=mesh)

    def test_rank(torch_graph):
        graph = torch_graph.check(
            build, torch.ones(8, 16), world_size=4, backward=True,
            optimizer=lambda model: torch.optim.SGD(model.parameters(), lr=0.1),
            budget={"collectives.all_gather": 4, "backward.communicated": "8 KiB", "peak": "64 KiB"},
        )
        assert graph.memory.parameter_bytes == 544
        assert not distributed.is_initialized()
"""


def test_a_sharded_rank_is_recorded_checked_and_told_when_a_module_is_sharded_no_longer(live: Project) -> None:
    live.write({"test_m.py": TEST.replace("{LAYERS}", "(model[0], model[2])")})
    result = live.run("--torchgraph-update")
    assert result.outcomes() == {"passed": 1}, result.text
    text = (live.path / "snapshots/test_m/test_rank.torchgraph").read_text(encoding="utf-8")
    assert "rank 0 of 4" in text
    assert "\ncollectives 6\n" in text
    assert live.run().outcomes() == {"passed": 1}
    live.write({"test_m.py": TEST.replace("{LAYERS}", "(model[0],)")})
    assert live.run().outcomes() == {"failed": 1}


def test_a_budget_of_collectives_fails_whatever_is_updated(live: Project) -> None:
    text = TEST.replace("{LAYERS}", "(model[0], model[2])").replace('all_gather": 4', 'all_gather": 3')
    live.write({"test_m.py": text})
    result = live.run("--torchgraph-update")
    assert result.outcomes() == {"failed": 1}
    assert "collectives.all_gather 4, budget at most 3" in result.text
