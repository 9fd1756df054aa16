"""Models of transformers compile whole; a break or a recompilation planted in one is told with its id and its line."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable
from pathlib import Path
from types import MethodType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.compilation import Compilation
from tests.models.example import Example
from tests.real import factories

pytest.importorskip("transformers")
pytest.importorskip("torch._dynamo")

MODELS: dict[str, tuple[Callable[[], Example], str]] = {
    "gpt2": (factories.gpt2, "transformer.h.1.mlp"),
    "llama": (factories.llama, "model.layers.1.mlp"),
    "bert": (factories.bert, "encoder.layer.1.intermediate"),
    "t5": (factories.t5, "encoder.block.1.layer.1"),
    "mamba": (factories.mamba, "backbone.layers.1.norm"),
    "mixtral": (factories.mixtral, "model.layers.1.input_layernorm"),
}
"""Each with the module in which something is planted."""


def prints(_: nn.Module, __: Tensor) -> None:
    print("!")  # noqa: T201 -- planted


def reads(_: nn.Module, x: Tensor) -> None:
    x.sum().item()  # planted


def lists(_: nn.Module, x: Tensor) -> None:
    x.sum().tolist()  # planted


def branches(_: nn.Module, x: Tensor) -> None:
    if x.sum() > 1e30:  # planted
        raise ValueError


def selects(_: nn.Module, x: Tensor) -> None:
    x[x > 0].sum()  # planted


def times(_: nn.Module, __: Tensor) -> None:
    time.time()  # planted


def logs(_: nn.Module, __: Tensor) -> None:
    logging.getLogger("planted")  # planted


def breaks(_: nn.Module, __: Tensor) -> None:
    torch._dynamo.graph_break()  # planted


def opens(_: nn.Module, __: Tensor) -> None:
    Path(__file__).read_text(encoding="utf-8")  # planted


@torch._dynamo.disable
def hidden() -> None:
    """Nothing, where the compiler does not look."""


def hides(_: nn.Module, __: Tensor) -> None:
    hidden()  # planted


def counts(module: nn.Module, _: Tensor) -> None:
    module.calls = module.calls + 1  # type: ignore[assignment, operator]  # planted


BREAKS: dict[Callable[[nn.Module, Tensor], None], str] = {
    prints: "GB0059",
    reads: "GB0124",
    branches: "GB0170",
    selects: "GB0036",
    times: "GB0007",
    lists: "GB0109",
    breaks: "GB0025",
    hides: "GB0098",
    logs: "",
    opens: "",
}
"""Ids by what is planted; empty where other versions of PyTorch give another."""
NAMES = list(MODELS)
PLANTED = [(NAMES[place % len(NAMES)], plant) for place, plant in enumerate([*BREAKS, *BREAKS])]


def line_of(plant: Callable[..., Any]) -> int:
    lines, start = inspect.getsourcelines(plant)
    return start + next(place for place, line in enumerate(lines) if line.rstrip().endswith("planted"))


def planted(name: str, plant: Callable[[nn.Module, Tensor], None]) -> Example:
    """A model in one module of which *plant* runs before the module does."""
    make, path = MODELS[name]
    torch.manual_seed(0)
    example = make()
    assert isinstance(example.model, nn.Module)
    module = example.model.get_submodule(path)
    plain = type(module).forward

    def forward(self: nn.Module, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        plant(self, x)
        return plain(self, x, *args, **kwargs)

    module.calls = 0  # type: ignore[assignment]
    module.forward = MethodType(forward, module)
    return example


def compiled(example: Example) -> tuple[Graph, Compilation]:
    with torch.no_grad():
        graph = trace(example.model, example.args, example.kwargs, compiled=True)
    assert graph.compilation is not None
    return graph, graph.compilation


@pytest.mark.parametrize("name", ["gpt2", *(pytest.param(name, marks=pytest.mark.long) for name in NAMES[1:])])
def test_a_model_of_transformers_is_one_graph_without_breaks(name: str) -> None:
    torch.manual_seed(0)
    graph, made = compiled(MODELS[name][0]())
    assert (made.breaks, made.recompiles, made.uncompiled) == ((), (), 0)
    assert [(one.number, one.runs) for one in made.graphs] == [(1, 1)]
    paths = {graph.scopes[one.scope].path for one in graph.operations}
    assert MODELS[name][1] in {path[: len(MODELS[name][1])] for path in paths}


@pytest.mark.parametrize(
    ("name", "plant"),
    [
        pytest.param(name, plant, id=f"{name}-{plant.__name__}", marks=[] if place == 2 else [pytest.mark.long])
        for place, (name, plant) in enumerate(PLANTED)
    ],
)
def test_a_planted_break_is_told_with_its_id_and_its_line(name: str, plant: Callable[..., None], capsys: Any) -> None:
    _, made = compiled(planted(name, plant))
    capsys.readouterr()
    found = [one for one in made.breaks if one.line.source and one.line.source.line == line_of(plant)]
    assert found
    assert len({one.id for one in found}) == len(found)
    assert not BREAKS[plant] or [one.id for one in found] == [BREAKS[plant]]
    for one in found:
        assert one.line.source is not None
        assert (one.line.source.file, one.line.function) == (__file__, plant.__name__)
        assert one.reason


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_planted_counter_is_told_as_what_is_compiled_again(name: str) -> None:
    _, made = compiled(planted(name, counts))
    assert made.breaks == ()
    assert any("calls == 0" in one.guard for one in made.recompiles)
