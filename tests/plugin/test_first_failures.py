"""What a newcomer sees first: the edit, its module and its line stand in the first two lines of a failure."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import QuickProject, Result
from tests.plugin.forked import Server

MODELS = """
import os

import torch
from torch import nn
from torch.nn import functional as F

EDITED = "EDITED" in os.environ


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.Linear(8, 16)
        self.down = nn.Linear(16, 8)

    def forward(self, x):
        h = self.up(x)
        h = F.gelu(h) if EDITED else F.relu(h)  # activation
        return self.down(h)


class Block(nn.Module):
    def __init__(self, part):
        super().__init__()
        self.norm = nn.LayerNorm(8)
        self.part = part

    def forward(self, x):
        return x + self.part(self.norm(x))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(8, 24)

    def forward(self, x):
        q, k, v = (t.unflatten(-1, (2, 4)).transpose(1, 2) for t in self.qkv(x).chunk(3, -1))
        if EDITED:
            q, k, v = q.contiguous(), k.contiguous(), v.contiguous()  # copy
        scores = torch.matmul(q, k.transpose(-1, -2)) * 0.5
        return torch.matmul(scores.softmax(-1), v).transpose(1, 2).flatten(2)


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8, 8))
        self.bias = nn.Parameter(torch.ones(8))

    def forward(self, x):
        return F.linear(x, self.weight, self.bias.detach() if EDITED else self.bias)  # bias


def loss(logits):
    logits = logits.double() if EDITED else logits  # loss
    return F.cross_entropy(logits.flatten(0, 1), torch.zeros(6, dtype=torch.long))
"""
TESTS = """
import torch
from models import *


def x():
    return torch.ones(2, 3, 8)


def test_activation(torch_graph):
    torch_graph.check(Block(Mlp()), x())


def test_copy(torch_graph):
    torch_graph.check(Block(Attention()), x())


def test_bias(torch_graph):
    torch_graph.check(torch_graph.trace(Block(Frozen()), x(), backward=True))


def test_loss(torch_graph):
    torch_graph.check(torch_graph.trace(Block(nn.Linear(8, 8)), x(), backward=loss))
"""
SEEN = {
    "activation": ("aten.relu -> aten.gelu", "part"),
    "copy": ("aten.clone", "part"),
    "bias": ("part.bias", "part"),
    "loss": ("upcast f32 -> f64", "the model"),
}
"""What the first line says of each edit, and the module that the second line names."""


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory, server_with_torch: Server) -> Result:
    """Four tests recorded, and failed after an edit each."""
    project = QuickProject(tmp_path_factory.mktemp("first"), server_with_torch)
    project.write({"models.py": MODELS, "test_m.py": TESTS})
    assert project.run("--torchgraph-update").outcomes() == {"passed": 4}
    return project.run(EDITED="1")


@pytest.mark.parametrize("edit", SEEN)
def test_the_edit_its_module_and_its_line_stand_in_the_first_two_lines(edit: str, failed: Result) -> None:
    said, module = SEEN[edit]
    lines = failed.text.splitlines()
    at = next(number for number, line in enumerate(lines) if f"::test_{edit}: " in line and "drifted" not in line)
    first, second = lines[at : at + 2]
    number = next(at for at, line in enumerate(MODELS.splitlines(), 1) if line.endswith(f"# {edit}"))
    assert said in first
    assert f" {module}  " in second
    assert f"models.py:{number}" in second


def test_four_edits_fail_four_tests(failed: Result) -> None:
    assert failed.outcomes() == {"failed": 4}
