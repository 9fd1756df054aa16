"""How long pictures take, from the recorded graph to the written file: ``python -m benchmarks.drawing``."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from pytest_torchgraph import trace
from pytest_torchgraph.drawing import save
from pytest_torchgraph.graph import Graph

CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("html", {}),
    ("html", {"unfold": True}),
    ("png", {}),
    ("png", {"unfold": True}),
    ("dot", {}),
)


class Layer(nn.Module):
    """Nine operations whose sizes depend on *number*, so that no two layers are folded."""

    def __init__(self, number: int) -> None:
        super().__init__()
        width = 8 + number % 7 + number // 7
        self.up, self.down = nn.Linear(8, width), nn.Linear(width, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's output."""
        return x + torch.tanh(self.down((torch.relu(self.up(x)) * 2 + 1).sin().cos()))


def large() -> Graph:
    """Ten thousand operations, none of which repeats."""
    stages = (nn.Sequential(*(Layer(25 * stage + layer) for layer in range(25))) for stage in range(45))
    return trace(nn.Sequential(*stages), torch.randn(2, 8))


def llama() -> Graph:
    """Thirty-two layers that are folded into one."""
    config = LlamaConfig(
        num_hidden_layers=32, hidden_size=64, intermediate_size=128, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=1000, use_cache=False,
    )  # fmt: skip
    return trace(LlamaForCausalLM(config).eval(), torch.zeros(2, 16, dtype=torch.long))


def main() -> None:
    """Print one line for each picture; what is imported first is not counted."""
    graphs = {"llama, 32 layers": llama(), "no layer repeats": large()}
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("html", "png"):
            save(trace(nn.Linear(2, 2), torch.randn(1, 2)), Path(folder, f"first.{suffix}"))
        for name, graph in graphs.items():
            work = sum(not operation.is_view for operation in graph.operations)
            for suffix, options in CASES:
                begin = time.perf_counter()
                save(graph, Path(folder, f"picture.{suffix}"), **options)
                seconds = time.perf_counter() - begin
                told = "unfolded" if options else "folded"
                print(f"{name:18} {work:6,} operations  {suffix:4} {told:8} {seconds:5.1f} s")


if __name__ == "__main__":
    main()
