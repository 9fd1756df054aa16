"""The whole way with PyTorch: record, pass, drift, refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

MODELS = """
    import torch
    from torch import nn


    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(16, 48)

        def forward(self, x, scale=1.0):
            q, k, v = (part.view(2, 8, 2, 8).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
            q = q  # here
            return nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True) * scale


    class Cold(nn.Module):
        table = None

        def forward(self, x):
            if self.table is None:
                self.table = torch.arange(4.0).cos()
            return x + self.table


    class Growing(nn.Module):
        calls = 0

        def forward(self, x):
            self.calls += 1
            for _ in range(self.calls):
                x = x.sin()
            return x
"""
TESTS = """
    import pytest
    import torch
    from torch import nn

    from models import Attention, Cold, Growing

    X = torch.ones(2, 8, 16)


    @pytest.mark.torchgraph_budget(copies=0, peak="64 KiB", syncs=0, **{"aten.clone": 0})
    def test_attention(torch_graph):
        graph = torch_graph.check(Attention().eval(), X)
        assert graph.attention == 1


    def test_keywords(torch_graph):
        torch_graph.check(Attention().eval(), {"x": X, "scale": 2.0})


    def test_training_with_dropout_and_statistics(torch_graph):
        model = nn.Sequential(nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Dropout(0.5)).train()
        before = model[1].running_mean.clone()
        torch_graph.check(model, torch.ones(4, 16))
        assert torch.equal(model[1].running_mean, before)


    def test_cold(torch_graph):
        torch_graph.check(Cold(), torch.ones(4))


    def test_code(torch_graph):
        with torch_graph.record() as recording:
            (X @ X.transpose(1, 2)).relu()
        assert recording.graph == torch_graph.snapshot
"""
GROWING = """
    import torch

    from models import Growing


    def test_growing(torch_graph):
        torch_graph.check(Growing(), torch.ones(4))


    def test_fixed(torch_graph):
        torch_graph.check(Growing(), torch.ones(4), warmup=2)


    def test_misfit(torch_graph):
        torch_graph.check(torch.nn.Linear(3, 3), torch.ones(2, 4))


    def test_no_model(torch_graph):
        torch_graph.check("resnet18", torch.ones(2, 4))
"""


@pytest.fixture
def real(live: Project) -> Project:
    """A project whose models run."""
    live.write({"models.py": MODELS, "test_m.py": TESTS})
    return live


def test_models_are_recorded_pass_and_explain_a_copy(real: Project) -> None:
    result = real.run("--torchgraph-update")
    assert result.outcomes() == {"passed": 5}, result.text
    before = real.snapshots()
    assert "run eager, eval, grad, cpu" in before["test_m/test_attention.torchgraph"]
    assert any("test_cold" in line and "recorded from the second call" in line for line in result.section())
    assert real.run().outcomes() == {"passed": 5}
    real.write(
        {"models.py": MODELS.replace("q = q  # here", "q, k, v = q.contiguous(), k.contiguous(), v.contiguous()")}
    )
    result = real.run()
    assert result.outcomes() == {"passed": 3, "failed": 2}
    assert "models.py:13" in result.text
    assert "  accept: pytest test_m.py::test_keywords --torchgraph-update" in result.text
    assert "copies 3, budget at most 0" in result.text
    assert "2 tests, for example test_m.py::test_attention" in "".join(result.section())
    result = real.run("--torchgraph-update")
    assert result.outcomes() == {"passed": 4, "failed": 1}
    assert sum(real.snapshots()[name] != before[name] for name in before) == 2


UNKNOWN = """
    import torch
    from torch import nn


    def test_check(torch_graph):
        torch_graph.check(nn.ReLU(), torch.zeros(2), backwards=True)


    def test_record(torch_graph):
        with torch_graph.record(verified=True):
            pass


    def test_class(torch_graph):
        torch_graph.check(nn.ReLU, torch.zeros(2))
"""


def test_a_keyword_that_is_unknown_and_a_class_are_said_and_nothing_is_recorded(real: Project) -> None:
    real.write({"test_m.py": UNKNOWN})
    result = real.run("--torchgraph-update")
    assert result.outcomes() == {"failed": 3}, result.text
    assert real.snapshots() == {}
    assert "torch_graph.check() got an unexpected keyword argument 'backwards'; did you mean 'backward'?" in result.text
    assert "torch_graph.record() got an unexpected keyword argument 'verified'; did you mean 'verify'?" in result.text
    assert "the model must be an instance, not the class ReLU: pass ReLU(...)" in result.text
    assert "pytest_torchgraph/" not in result.text.partition("= FAILURES")[2]


def test_what_does_not_repeat_or_run_is_said(real: Project) -> None:
    real.write({"test_m.py": GROWING})
    result = real.run("--torchgraph-update")
    assert result.outcomes() == {"passed": 1, "failed": 3}, result.text
    assert list(real.snapshots()) == ["test_m/test_fixed.torchgraph"]
    assert "first in: sin(" in result.text
    assert "pytest_torchgraph/" not in result.text.partition("= FAILURES")[2]
    assert "models.py:32" in result.text
    assert "mat1 and mat2" in result.text
    assert "str" in result.text.partition("test_no_model")[2]
