"""What reads what: through views, through writes, and never backwards."""

from __future__ import annotations

import torch
from torch import Tensor

from pytest_torchgraph.analysis.flow import flows
from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.graph import Graph
from tests.capture.small import example

X = example(4, 8)


def named(graph: Graph) -> list[tuple[str, str]]:
    names = [operation.packet.removeprefix("aten.") for operation in graph.operations]
    return [(names[flow.source], names[flow.target]) for flow in flows(graph)]


def test_a_chain_is_followed_through_its_views() -> None:
    graph = trace(lambda x: x.exp().view(32).sin(), X)
    assert named(graph) == [("exp", "view"), ("view", "sin")]


def test_what_is_written_flows_to_the_next_reader_and_no_more_from_its_maker() -> None:
    def forward(x: Tensor) -> Tensor:
        y = x.exp()
        y.add_(1)
        return y.sin()

    assert named(trace(forward, X)) == [("exp", "add_"), ("add_", "sin")]


def test_a_write_through_a_view_is_seen_by_a_reader_of_the_whole() -> None:
    def forward(x: Tensor) -> Tensor:
        y = x.exp()
        y[0].zero_()
        return y.sin()

    assert ("zero_", "sin") in named(trace(forward, X))


def test_an_operand_that_is_read_twice_flows_once() -> None:
    def forward(x: Tensor) -> Tensor:
        y = x.exp()
        return y * y

    assert named(trace(forward, X)) == [("exp", "mul")]


def test_nothing_flows_backwards_in_time() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    graph = trace(model, X, backward=True, optimizer=torch.optim.Adam(model.parameters()))
    found = list(flows(graph))
    assert found
    assert all(flow.source < flow.target for flow in found)
