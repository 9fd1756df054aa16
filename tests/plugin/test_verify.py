"""``--torchgraph-verify`` proves the recordings of a session, and names what it cannot prove."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project, Result

MODELS = """
    import torch
    from torch import nn

    @torch.library.custom_op("torchgraph_tests_plugin::lying", mutates_args=())
    def lying(x: torch.Tensor) -> torch.Tensor:
        x.detach().numpy()[0] += 1
        return x * 2

    def honest():
        return nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.ones(2, 4)
"""
TESTS = """
    import torch
    from models import honest, lying

    def test_honest(torch_graph):
        model, x = honest()
        torch_graph.check(model, x, backward=True)

    def test_recorded(torch_graph):
        model, x = honest()
        with torch_graph.record(model) as recording:
            model(x)
        assert any(note.startswith("verified: ") for note in recording.graph.notes) == {verified}
"""
LYING = """
    import torch
    from models import lying

    def test_lying(torch_graph):
        torch_graph.check(lying, torch.ones(3))
"""
REREAD = """
    import torch

    class Reread(torch.nn.Module):
        def forward(self, x):
            return torch.empty(0).set_(x.untyped_storage(), 0, (3,), (1,)) + 1

    def test_reread(torch_graph):
        torch_graph.check(Reread(), torch.ones(3))
"""


TIMED = """
    from models import honest

    def test_timed(torch_graph):
        model, x = honest()
        graph = torch_graph.check(model, x, timing=2)
        assert graph.timing.runs == 2
        with torch_graph.record(model, timing=True) as recording:
            model(x)
        assert recording.graph.timing.runs == 1
"""


def run(live: Project, tests: str, *arguments: str) -> Result:
    live.write({"models.py": MODELS, "test_m.py": tests})
    return live.run("--torchgraph-update", *arguments)


@pytest.mark.parametrize("asked", [True, False])
def test_checks_and_recordings_are_verified_where_the_command_line_asks(live: Project, asked: bool) -> None:
    result = run(live, TESTS.format(verified=asked), *(["--torchgraph-verify"] if asked else []))
    assert result.outcomes() == {"passed": 2}, result.text
    snapshot = next((live.path / "snapshots").rglob("*.torchgraph")).read_text(encoding="utf-8")
    assert "verified" not in snapshot
    told = "verified 2 tests: each recording was replayed, and gave the same bits" in result.section()
    assert told == asked


@pytest.mark.parametrize("arguments", [[], ["--torchgraph-verify"]])
def test_what_is_timed_is_checked_and_not_verified(live: Project, arguments: list[str]) -> None:
    assert run(live, TIMED, *arguments).outcomes() == {"passed": 1}
    snapshot = next((live.path / "snapshots").rglob("*.torchgraph")).read_text(encoding="utf-8")
    assert "timing" not in snapshot
    assert live.run(*arguments).outcomes() == {"passed": 1}


def test_an_operation_that_changes_what_its_schema_calls_unwritten_fails(live: Project) -> None:
    assert run(live, LYING).outcomes() == {"passed": 1}
    result = run(live, LYING, "--torchgraph-verify")
    assert result.outcomes() == {"failed": 1}
    assert "torchgraph_tests_plugin.lying.default" in result.text
    assert "which its schema calls unwritten" in result.text


def test_what_cannot_be_replayed_is_named_once_in_the_summary(live: Project) -> None:
    result = run(live, REREAD, "--torchgraph-verify")
    assert result.outcomes() == {"passed": 1}, result.text
    named = [line for line in result.section() if "not replayed: aten.set_.source_Storage_storage_offset" in line]
    assert len(named) == 1, result.text
