"""Models that other parts of PyTorch load, watch or transform are recorded like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from pytest_torchgraph import compare, trace

X = torch.ones(4, 8)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down(torch.relu(self.up(x)))
        return y


def test_a_model_that_was_saved_and_loaded_does_the_same(tmp_path: Path) -> None:
    model = Block()
    torch.save(model, tmp_path / "model.pt")
    loaded = torch.load(tmp_path / "model.pt", weights_only=False)
    assert trace(loaded, X) == trace(model, X)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    other = Block()
    other.load_state_dict(torch.load(tmp_path / "weights.pt", mmap=True), assign=True)
    assert trace(other, X) == trace(model, X)


def test_a_model_of_the_hub_is_recorded_with_its_own_lines(tmp_path: Path) -> None:
    (tmp_path / "hubconf.py").write_text(
        "import torch\n"
        "from torch import nn\n"
        "class Small(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.fc = nn.Linear(8, 2)\n"
        "    def forward(self, x):\n"
        "        return self.fc(x).relu()\n"
        "def small():\n"
        "    return Small()\n",
        encoding="utf-8",
    )
    model = torch.hub.load(str(tmp_path), "small", source="local")
    graph = trace(model, X)
    (relu,) = graph.select(op="aten.relu")
    assert relu.source is not None
    assert (Path(relu.source.file).name, relu.source.line) == ("hubconf.py", 8)


@pytest.mark.filterwarnings("ignore:Profiler clears events")
def test_a_profiler_around_a_recording_sees_the_run_and_changes_nothing() -> None:
    model = Block()
    plain = trace(model, X)
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        under = trace(model, X)
    assert under == plain
    assert "aten::relu" in {event.key for event in seen.key_averages()}


def test_a_comparison_of_tensors_inside_a_model_is_recorded_with_its_syncs() -> None:
    def checked(x: Tensor) -> Tensor:
        torch.testing.assert_close(x, x)
        return x + 1

    graph = trace(checked, X)
    assert "aten.add" in graph.op_counts
    assert graph.syncs


def test_an_operator_of_a_library_is_one_operation_whatever_is_in_it() -> None:
    @torch.library.custom_op("subsystems::twice", mutates_args=())
    def twice(x: Tensor) -> Tensor:
        return x.clone().mul_(2)

    @twice.register_fake
    def _(x: Tensor) -> Tensor:
        return torch.empty_like(x)

    graph = trace(torch.ops.subsystems.twice, X)
    assert [one.packet for one in graph.operations] == ["subsystems.twice"]


def test_transforms_of_functions_are_recorded_as_the_operations_they_come_to() -> None:
    model = Block()
    parameters: dict[str, Tensor] = dict(model.named_parameters())

    def loss(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
        return torch.func.functional_call(model, parameters, (x[None],)).sum()

    def per_sample(x: Tensor) -> Any:
        return torch.vmap(torch.func.grad(loss), (None, 0))(parameters, x)

    graph = trace(per_sample, X)
    assert graph.count("matmuls") > 0
    assert not compare(graph, trace(per_sample, X)).drifted
