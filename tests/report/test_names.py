"""What a report names can be found in the snapshot's file by searching for it."""

from __future__ import annotations

import re

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.comparison import compare
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.report.terminal import render
from pytest_torchgraph.snapshot.writer import write

NAME = re.compile(r"[%^]+[\w.>#/]*\w(?:\[[\d,:]+\]|\.\w+\([\d,]*\))*")


class Attention(nn.Module):
    """Query, key and value from one projection; *how* they are made contiguous."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.qkv, self.proj = nn.Linear(16, 48), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (each.transpose(1, 2) for each in self.qkv(x).view(2, 6, 3, 4, 4).unbind(2))
        if self.how == "contiguous":
            q, k, v = q.contiguous(), k.contiguous(), v.contiguous()
        found = scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(2, 6, 16)
        gate = found.square().mean(-1, keepdim=True)
        made: Tensor = self.proj(found * (gate.detach() if self.how == "detached" else gate))
        return made


def graph_of(how: str) -> Graph:
    torch.manual_seed(0)
    model = nn.Sequential(Attention(how), Attention(how))
    return trace(model, torch.ones(2, 6, 16), backward=torch.mean)


def names_in(before: Graph, after: Graph, verbosity: int) -> set[str]:
    lines = render(compare(before, after).outline("test"), verbosity).splitlines()
    return {name for line in lines for name in NAME.findall(line)}


def file_of(graph: Graph) -> str:
    return write(graph.canonical, test="test", recorded="")


def test_every_name_of_a_report_stands_in_one_of_the_files() -> None:
    plain = graph_of("")
    for how in ("contiguous", "detached"):
        other = graph_of(how)
        files = file_of(plain) + file_of(other)
        for verbosity in (0, 2):
            found = names_in(plain, other, verbosity)
            assert found
            assert [name for name in sorted(found) if name not in files] == []


def test_the_short_name_of_attention_and_every_slice_of_a_projection_are_told() -> None:
    outline = compare(graph_of(""), graph_of("contiguous")).outline("test")
    assert "scaled_dot" not in render(outline).splitlines()[1]
    row = "".join(line for line in render(outline, 1).splitlines() if "clone of" in line)
    assert "scaled_dot" not in row
    for part in ("%qkv[2,6,12,4][:,:,0:4]", "%qkv[2,6,12,4][:,:,4:8]", "%qkv[2,6,12,4][:,:,8:12]", "%sdpa"):
        assert part in row


def test_strides_are_told_where_each_operation_is() -> None:
    before, after = graph_of(""), graph_of("contiguous")
    lines = render(compare(before, after).outline("test"), 2).splitlines()
    kernels = [line.lstrip("+- ") for line in lines if "+ _scaled_dot_product_flash_attention_for_cpu(" in line]
    assert kernels
    assert all(line.partition(") ")[2] in file_of(after) and "stride(" in line for line in kernels)
