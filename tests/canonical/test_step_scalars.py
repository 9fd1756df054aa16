"""What an optimizer works out anew in each step is no part of the canonical graph; what it is set to is."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.snapshot.writer import write

X = torch.ones(2, 4)


def step(kind: Any, steps: int, **settings: Any) -> Graph:
    """The graph of the step after so many others."""
    torch.manual_seed(0)
    model = nn.Linear(4, 4)
    return trace(model, X, backward=True, optimizer=kind(model.parameters(), **settings), warmup=steps)


OPTIMIZERS: list[tuple[Any, dict[str, Any]]] = [
    (torch.optim.Adam, {}),
    (torch.optim.Adam, {"betas": (0.5, 0.999), "amsgrad": True}),
    (torch.optim.AdamW, {"foreach": True}),
    (torch.optim.NAdam, {}),
    (torch.optim.Adamax, {}),
    (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    (torch.optim.RMSprop, {}),
    (torch.optim.Adafactor, {}),
]


@pytest.mark.parametrize(("kind", "settings"), OPTIMIZERS, ids=lambda value: getattr(value, "__name__", None))
def test_the_graph_after_one_two_and_five_steps_is_equal(kind: Any, settings: dict[str, Any]) -> None:
    one, two, five = (step(kind, steps, **settings) for steps in (1, 2, 5))
    assert one == two == five


def test_the_very_first_step_has_the_numbers_of_a_later_one() -> None:
    first, second = (write(step(torch.optim.AdamW, n, foreach=False).canonical, test="", recorded="") for n in (0, 1))
    assert "div(%sqrt, <step>)" in first
    assert "value=<step>" in first
    assert [line for line in second.splitlines() if "<step>" in line] == [
        line for line in first.splitlines() if "<step>" in line
    ]


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (torch.optim.SGD, {"lr": 0.1}, {"lr": 0.2}),
        (torch.optim.SGD, {"momentum": 0.9}, {"momentum": 0.8}),
        (torch.optim.AdamW, {"weight_decay": 0.1}, {"weight_decay": 0.2}),
        (torch.optim.Adam, {"eps": 1e-8}, {"eps": 1e-6}),
        (torch.optim.Adam, {"betas": (0.9, 0.999)}, {"betas": (0.8, 0.999)}),
        (torch.optim.RMSprop, {"lr": 0.01}, {"lr": 0.02}),
    ],
    ids=["lr", "momentum", "weight_decay", "eps", "betas", "rmsprop"],
)
def test_another_setting_is_another_graph(kind: Any, before: dict[str, Any], after: dict[str, Any]) -> None:
    assert step(kind, 1, **before) != step(kind, 1, **after)


def test_a_number_of_the_forward_pass_is_kept() -> None:
    def scaled(by: float) -> Graph:
        model = nn.Linear(4, 4)
        run: dict[str, Any] = {
            "backward": lambda output: (output * by).sum(),
            "optimizer": torch.optim.Adam(model.parameters()),
        }
        return trace(model, X, **run)

    assert scaled(0.3) != scaled(0.4)


def test_a_step_that_a_model_makes_itself_repeats() -> None:
    class Trainer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = nn.Linear(4, 4)
            self.optimizer = torch.optim.Adam(self.mix.parameters())

        def forward(self, x: Tensor) -> Tensor:
            loss = self.mix(x).sum()
            loss.backward()
            self.optimizer.step()
            return loss

    model = Trainer()
    assert trace(model, X, warmup=1) == trace(model, X, warmup=3)
