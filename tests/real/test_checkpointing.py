"""Gradient checkpointing as transformers does it: what the backward pass runs again is the layer's own."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from pytest_torchgraph import compare, trace  # noqa: E402
from pytest_torchgraph.graph import Graph  # noqa: E402


@cache
def step(*, checkpointing: bool, reads_on_host: bool = False) -> Graph:
    torch.manual_seed(0)
    sizes = {"num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4}
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes, vocab_size=50, use_cache=False)).train()
    for layer in model.model.layers:
        layer.gradient_checkpointing = checkpointing
        layer._gradient_checkpointing_func = checkpointed
    if reads_on_host:
        model.model.layers[1].mlp.act_fn = Reading()
    tokens = torch.ones(1, 8, dtype=torch.long)
    return trace(model, {"input_ids": tokens}, backward=lambda output: output.logits.mean())


def checkpointed(function: Any, *args: Any) -> Any:
    return torch.utils.checkpoint.checkpoint(function, *args, use_reentrant=False)


class Reading(torch.nn.SiLU):  # type: ignore[name-defined]
    def forward(self, x: Any) -> Any:
        x.norm().item()
        return super().forward(x)


def test_what_runs_again_lies_in_the_layer() -> None:
    graph = step(checkpointing=True)
    again = [scope for scope in graph.scopes if scope.recomputed]
    layers = [scope for scope in again if scope.path in ("model.layers.0", "model.layers.1")]
    assert len(layers) == 2
    for scope in again:
        parent = graph.scopes[scope.parent or 0]
        assert scope in layers or (parent.recomputed and scope.path.startswith(f"{parent.path}."))
    assert len(graph.select(module="model.layers.0")) >= len(graph.select(module="model.layers.0.*"))


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        ({"checkpointing": True}, {"checkpointing": False}, "checkpointing-off"),
        ({"checkpointing": False}, {"checkpointing": True}, "checkpointing-on"),
        ({"checkpointing": True}, {"checkpointing": True, "reads_on_host": True}, "host-sync"),
    ],
)
def test_what_changes_in_a_checkpointed_layer_is_told_for_what_it_is(before: Any, after: Any, cause: str) -> None:
    findings = compare(step(**before), step(**after)).verdict.findings
    assert findings[0].cause == cause
    assert not {finding.cause for finding in findings} & {"gradient-lost", "gradient-added"}
