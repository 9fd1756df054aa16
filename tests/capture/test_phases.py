"""A training step: which phase an operation belongs to, and which forward operation caused it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pytest_torchgraph import record, trace
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.operation import Operation
from tests.capture.small import Bare


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.up = nn.Linear(8, 16)
        self.down = nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(nn.functional.gelu(self.up(self.norm(x))))


class Model(nn.Module):
    def __init__(self, *, checkpointing: str = "") -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 8)
        self.layers = nn.ModuleList(Layer() for _ in range(3))
        self.head = nn.Linear(8, 10)
        self.checkpointing = checkpointing

    def forward(self, words: Tensor) -> Tensor:
        x = self.embed(words)
        for layer in self.layers:
            if self.checkpointing:
                x = checkpoint(layer, x, use_reentrant=self.checkpointing == "reentrant")
            else:
                x = layer(x)
        return self.head(x)


WORDS = torch.arange(10).reshape(2, 5)


def loss_of(output: Tensor) -> Tensor:
    return nn.functional.cross_entropy(output.flatten(0, 1), WORDS.flatten())


def backward_of(graph: Graph) -> list[Operation]:
    return [operation for operation in graph.operations if operation.phase == "backward"]


def node_name(graph: Graph, operation: Operation) -> str:
    return "" if operation.node is None else graph.nodes[operation.node].name


def path_of(graph: Graph, operation: Operation) -> str:
    return graph.scopes[operation.scope].path


def names_in(graph: Graph, phase: str) -> list[str]:
    return [one.packet.removeprefix("aten.") for one in graph.operations if one.phase == phase and not one.is_view]


@pytest.mark.parametrize("checkpointing", ["", "non-reentrant", "reentrant"])
def test_every_backward_operation_knows_what_caused_it(checkpointing: str) -> None:
    graph = trace(Model(checkpointing=checkpointing), WORDS, backward=loss_of)
    for operation in backward_of(graph):
        if operation.packet == "aten.ones_like" or operation.recomputed:
            continue
        assert operation.node is not None
        node = graph.nodes[operation.node]
        assert operation.forward is not None or node.parameter is not None or operation.sums_gradients


def test_a_backward_operation_runs_in_the_module_of_its_forward_operation() -> None:
    graph = trace(Model(), WORDS, backward=loss_of)
    for operation in backward_of(graph):
        if operation.forward is not None:
            assert path_of(graph, operation) == path_of(graph, graph.operations[operation.forward])
    products = [path_of(graph, one) for one in backward_of(graph) if one.packet == "aten.mm"]
    assert products == [
        place
        for path in ("head", *(f"layers.{i}.{n}" for i in (2, 1, 0) for n in ("down", "up")))
        for place in (path,) * 2
    ]


def test_the_engines_sums_belong_to_the_value_whose_gradient_they_are() -> None:
    graph = trace(Model(), WORDS, backward=loss_of)
    sums = [operation for operation in backward_of(graph) if operation.sums_gradients]
    assert [path_of(graph, one) for one in sums] == ["layers.1", "layers.0", "embed"]
    assert [graph.operations[one.forward or 0].packet for one in sums] == ["aten.add", "aten.add", "aten.embedding"]


class AddsInBackward(torch.autograd.Function):
    """Its own formula adds a gradient that it was handed: not the engine's addition."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        return x * 2, x * 3

    @staticmethod
    def backward(ctx: Any, one: Tensor, other: Tensor) -> Tensor:
        return one + other


def test_a_formulas_own_addition_is_no_sum_of_the_engine() -> None:
    def run(x: Tensor) -> Tensor:
        one, other = AddsInBackward.apply(x)
        return one.sin() + other.cos()

    graph = trace(run, torch.ones(3, requires_grad=True), backward=True)
    added = [one for one in backward_of(graph) if one.packet == "aten.add"]
    assert [(node_name(graph, one), one.sums_gradients) for one in added] == [("AddsInBackwardBackward", False)]


@pytest.mark.parametrize("checkpointing", ["non-reentrant", "reentrant"])
def test_what_checkpointing_runs_again_is_marked(checkpointing: str) -> None:
    graph = trace(Model(checkpointing=checkpointing), WORDS, backward=loss_of)
    again = [operation for operation in graph.operations if operation.recomputed]
    assert {operation.phase for operation in again} == {"backward"}
    assert [path_of(graph, one) for one in again if one.packet == "aten.gelu"] == ["layers.2", "layers.1", "layers.0"]
    assert not any(operation.recomputed for operation in trace(Model(), WORDS, backward=loss_of).operations)


def test_a_hand_written_step_has_all_phases() -> None:
    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with record(model) as recording:
        loss_of(model(WORDS)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    graph = recording.graph
    assert [(phase.name, phase.title) for phase in graph.phases] == [
        ("backward", ""),
        ("between", ""),
        ("optimizer", "SGD"),
    ]
    assert "linalg_vector_norm" in names_in(graph, "between")
    assert set(names_in(graph, "optimizer")) == {"add_"}
    assert names_in(graph, "backward")[0] == "ones_like"


def test_gradient_accumulation_has_two_forward_and_two_backward_passes() -> None:
    model = nn.Linear(4, 4)
    inputs = torch.ones(2, 4)
    with record(model) as recording:
        for _ in range(2):
            model(inputs).sum().backward()
    graph = recording.graph
    assert [phase.name for phase in graph.phases] == ["backward", "backward"]
    second = graph.operations[slice(*graph.phases[1].operations)]
    accumulated = [one for one in second if node_name(graph, one) == "AccumulateGrad" and not one.is_view]
    assert [one.packet for one in accumulated] == ["aten.add_", "aten.add_"]
    assert names_in(graph, "forward").count("addmm") == 2


def test_gradients_are_named_after_their_parameters() -> None:
    model = nn.Linear(4, 2)
    graph = trace(model, torch.ones(1, 4), backward=True, optimizer=torch.optim.Adam(model.parameters()))
    named = {storage.name: storage.role for storage in graph.storages if storage.role}
    assert {name for name, role in named.items() if role == "gradient"} == {"weight.grad", "bias.grad"}
    assert {"weight.exp_avg", "weight.exp_avg_sq", "weight.step"} <= {n for n, role in named.items() if role == "state"}


def test_the_autograd_graph_leads_from_the_loss_to_the_parameters() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
    graph = trace(model, torch.ones(2, 4), backward=True)
    assert {node.parameter for node in graph.nodes if node.name == "AccumulateGrad"} == {
        "0.weight",
        "0.bias",
        "2.weight",
        "2.bias",
    }
    tanh = next(node for node in graph.nodes if node.name == "TanhBackward0")
    assert graph.operations[tanh.forward or 0].packet == "aten.tanh"
    assert [graph.storages[storage].kind for storage in tanh.saved] == ["result"]
    following = [graph.nodes[edge.node].name for edge in tanh.edges if edge is not None]
    assert following == ["AddmmBackward0"]


def test_double_backward_knows_the_first_pass() -> None:
    def penalty(x: Tensor) -> Tensor:
        (slope,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
        return slope.norm()

    graph = trace(penalty, torch.ones(3, requires_grad=True), backward=True)
    assert [phase.name for phase in graph.phases] == ["backward", "backward"]
    start = graph.phases[1].operations[0]
    mapped = [one for one in backward_of(graph) if one.index > start and one.node is not None]
    assert all(one.forward is not None or graph.nodes[one.node or 0].parameter == "x" for one in mapped)


def test_frozen_parameters_get_no_gradient() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[0].requires_grad_(False)
    graph = trace(model, torch.ones(2, 4), backward=True)
    assert {one.name for one in graph.storages if one.role == "gradient"} == {"1.weight.grad", "1.bias.grad"}


def test_a_closure_that_the_optimizer_calls_is_forward_and_backward() -> None:
    model = nn.Linear(4, 1)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=2)
    graph = trace(model, torch.ones(2, 4), backward=lambda output: (output**2).sum(), optimizer=optimizer)
    assert {"backward", "optimizer"} == {phase.name for phase in graph.phases}
    assert "addmm" in names_in(graph, "forward")
    assert "addmm" not in names_in(graph, "optimizer")


@pytest.mark.parametrize("setting", ["single", "foreach", "fused"])
def test_each_implementation_of_an_optimizer_is_its_own_operations(setting: str) -> None:
    model = nn.Linear(4, 4)
    optimizer = torch.optim.AdamW(model.parameters(), foreach=setting == "foreach", fused=setting == "fused")
    names = names_in(trace(model, torch.ones(1, 4), backward=True, optimizer=optimizer), "optimizer")
    assert ("_fused_adamw_" in names) == (setting == "fused")
    assert ("_foreach_lerp_" in names) == (setting == "foreach")
    assert ("lerp_" in names) == (setting == "single")


def test_unscaling_lies_between_the_phases() -> None:
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    with record(model) as recording:
        scaler.scale(model(torch.ones(1, 4)).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
    assert "_amp_foreach_non_finite_check_and_unscale_" in names_in(recording.graph, "between")


def test_retained_graphs_are_gone_through_twice() -> None:
    model = nn.Linear(4, 1)
    with record(model) as recording:
        loss = model(torch.ones(1, 4)).tanh().sum()
        loss.backward(retain_graph=True)
        loss.backward()
    graph = recording.graph
    seen = [one.forward for one in backward_of(graph) if one.packet == "aten.tanh_backward"]
    assert len(seen) == 2
    assert seen[0] == seen[1]


def test_a_graph_from_before_the_recording_leads_nowhere() -> None:
    model = nn.Linear(4, 1)
    loss = model(torch.ones(1, 4)).tanh().sum()
    with record(model) as recording:
        loss.backward()
    assert all(operation.forward is None for operation in recording.graph.operations)


def test_the_engine_and_the_hooks_are_as_before_afterwards() -> None:
    from torch.optim import optimizer as module

    engine: Any = torch.autograd
    run, make = engine._engine_run_backward, engine._make_grads
    hooks = len(module._global_optimizer_pre_hooks), len(module._global_optimizer_post_hooks)

    def fails(_: Tensor) -> Tensor:
        raise RuntimeError("no loss")

    with pytest.raises(RuntimeError, match="no loss"):
        trace(nn.Linear(2, 2), torch.ones(1, 2), backward=fails)
    assert (engine._engine_run_backward, engine._make_grads) == (run, make)
    assert (len(module._global_optimizer_pre_hooks), len(module._global_optimizer_post_hooks)) == hooks


def test_a_step_is_undone_to_the_bit() -> None:
    model = nn.Linear(4, 4)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    before = [value.clone() for value in everything(model, optimizer)]
    graphs = [trace(model, torch.ones(1, 4), backward=True, optimizer=optimizer) for _ in range(2)]
    assert graphs[0] == graphs[1]
    assert all(torch.equal(one, other) for one, other in zip(before, everything(model, optimizer), strict=True))


def everything(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[Tensor]:
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    states = [value for state in optimizer.state.values() for value in state.values() if isinstance(value, Tensor)]
    return [*model.parameters(), *gradients, *states]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backward": 3}, "backward is True, for the sum"),
        ({"backward": True, "optimizer": "adam"}, "optimizer is a torch.optim.Optimizer"),
        ({"optimizer": torch.optim.SGD([torch.ones(1)], lr=1.0)}, "an optimizer needs gradients"),
        ({"backward": lambda _: 3.0}, "backward returned float"),
    ],
)
def test_a_step_that_cannot_be_made_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        trace(nn.Linear(2, 2), torch.ones(1, 2), **options)


def test_a_loss_that_is_no_number_and_an_optimizer_of_another_model_are_refused() -> None:
    model = nn.Linear(2, 2)
    with pytest.raises(ValueError, match=r"a tensor of shape \[1, 2\]: a loss is one number"):
        trace(model, torch.ones(1, 2), backward=lambda output: output)
    others = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    with pytest.raises(ValueError, match="updates none of the model's parameters"):
        trace(model, torch.ones(1, 2), backward=True, optimizer=others)
    assert model.weight.grad is None


def test_nothing_to_go_backward_through_is_said() -> None:
    with pytest.raises(ValueError, match="requires grad"):
        trace(nn.Linear(2, 2).requires_grad_(requires_grad=False), torch.ones(1, 2), backward=True)
    with torch.no_grad(), pytest.raises(ValueError, match="switched off"):
        trace(nn.Linear(2, 2), torch.ones(1, 2), backward=True)


@pytest.mark.parametrize("checkpointing", ["", "non-reentrant", "reentrant"])
def test_the_recorder_adds_no_operation_to_a_step(checkpointing: str) -> None:
    def step() -> list[str]:
        torch.manual_seed(0)
        model = Model(checkpointing=checkpointing)
        optimizer = torch.optim.AdamW(model.parameters())
        with Bare() as bare:
            loss_of(model(WORDS)).backward()
            optimizer.step()
        return bare.names

    torch.manual_seed(0)
    model = Model(checkpointing=checkpointing)
    optimizer = torch.optim.AdamW(model.parameters())
    with record(model) as recording:
        loss_of(model(WORDS)).backward()
        optimizer.step()
    assert [operation.name for operation in recording.graph.operations] == step()
