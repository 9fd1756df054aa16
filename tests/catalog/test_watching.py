"""Operations and API calls are watched and forbidden while they are recorded."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import record, trace
from pytest_torchgraph.capture.watching import OperationForbidden, Sighting, forbid, on_operation, watching
from pytest_torchgraph.plugin.fixture import TorchGraph


class Asks(nn.Module):
    """Clones, and reads a value on the host."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.softmax(self.inner(x), -1).clone()
        return y + 1 if y.sum().item() > 100 else y


INPUT = torch.ones(1, 2)


def test_a_forbidden_operation_raises_at_the_line_that_makes_it(torch_graph: TorchGraph) -> None:
    torch_graph.forbid("aten._local_scalar_dense")
    with pytest.raises(OperationForbidden, match=r"aten\._local_scalar_dense.*test_watching\.py:\d+") as caught:
        torch_graph.trace(Asks(), INPUT)
    assert caught.traceback[-1].name == "forward"


def test_what_is_forbidden_in_one_test_is_allowed_in_the_next(torch_graph: TorchGraph) -> None:
    assert torch_graph.trace(Asks(), INPUT).op_counts["aten._local_scalar_dense"] == 1


def test_a_watch_lists_the_calls_with_scope_and_source(torch_graph: TorchGraph) -> None:
    seen = torch_graph.watch("aten.addmm", "aten.clone.default")
    with torch_graph.record(Asks()):
        pass
    assert seen == []
    torch_graph.trace(Asks(), INPUT)
    assert [(one.name, one.scope) for one in seen] == [("aten.addmm.default", "inner"), ("aten.clone.default", "")]
    assert seen[0].tensors == ("float32[2]", "float32[1, 2]", "float32[2, 2]")
    assert seen[1].source is not None
    assert seen[1].source.function == "forward"


def test_an_api_call_is_watched_under_all_its_names(torch_graph: TorchGraph) -> None:
    seen = torch_graph.watch("F.softmax")
    torch_graph.trace(lambda x: x.softmax(-1) + torch.softmax(x, -1) + nn.functional.softmax(x, -1), INPUT)
    assert [one.name for one in seen] == ["torch.nn.functional.softmax"] * 3


def test_a_decorated_function_is_called_in_later_recordings(torch_graph: TorchGraph) -> None:
    names = []

    @torch_graph.on_operation("aten.add")
    def note(sighting: Sighting) -> None:
        names.append(str(sighting).partition(" at ")[0])

    torch_graph.trace(lambda x: x + 1, INPUT)
    assert names == ["aten.add.Tensor(float32[1, 2])"]


def test_watchers_work_without_pytest_and_end_with_their_context() -> None:
    seen: list[Sighting] = []
    with watching(on_operation("aten.add")(seen.append), forbid("torch.Tensor.item")):
        with pytest.raises(OperationForbidden, match=r"torch\.Tensor\.item"), record():
            torch.ones(1).item()
        trace(lambda x: x + 1, INPUT)
    trace(lambda x: x + torch.ones(1).item(), INPUT)
    assert len(seen) == 1


def test_watching_changes_nothing_in_the_graph() -> None:
    plain = trace(Asks(), INPUT)
    with watching(on_operation("aten.clone", "F.softmax")(lambda sighting: None)):
        assert trace(Asks(), INPUT) == plain


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("aten.contiguous", r"Write aten\.clone"),
        ("aten.cloen", r"aten\.clone"),
        ("F.sofmax", r"torch\.nn\.functional\.softmax"),
        ("clone", r"aten\.clone"),
    ],
)
def test_a_name_that_nothing_has_is_refused_with_what_to_write(torch_graph: TorchGraph, name: str, hint: str) -> None:
    for ask in (torch_graph.forbid, torch_graph.watch, torch_graph.on_operation):
        with pytest.raises(LookupError, match=hint):
            ask(name)


def test_watching_nothing_is_refused(torch_graph: TorchGraph) -> None:
    with pytest.raises(ValueError, match="expected the name of an operation"):
        torch_graph.forbid()
