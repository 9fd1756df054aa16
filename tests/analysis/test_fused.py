"""The peak with fused attention, estimated from a run on the CPU's math path."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.analysis.fused import math_path
from pytest_torchgraph.comparison import compare
from pytest_torchgraph.graph import Graph, expanded
from pytest_torchgraph.report.terminal import render

LENGTH, WIDTH, HEADS = 64, 32, 4


class Attention(nn.Module):
    """One attention call between projections; what reads its output copies it in no layout."""

    def __init__(self, *, bias: bool = False, masked: bool = False, groups: int = HEADS, **settings: Any) -> None:
        super().__init__()
        size = WIDTH // HEADS
        self.query, self.key, self.value = (nn.Linear(WIDTH, size * n) for n in (HEADS, groups, groups))
        self.out = nn.Linear(size, WIDTH)
        self.settings = {"enable_gqa": groups != HEADS, **settings}
        self.bias = nn.Parameter(torch.zeros(LENGTH, LENGTH)) if bias else None
        self.masked = masked

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            layer(x).unflatten(-1, (-1, WIDTH // HEADS)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        mask = torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril() if self.masked else self.bias
        attended = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, **self.settings)
        return self.out(attended.mean(1))


class Tower(nn.Module):
    """Layers of it."""

    def __init__(self, layers: int, **settings: Any) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Attention(**settings) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + layer(x)
        return x


def traced(layers: int = 1, *, backward: bool = False, grad: bool = True, **settings: Any) -> Graph:
    with torch.set_grad_enabled(grad):
        return trace(Tower(layers, **settings).train(), torch.ones(2, LENGTH, WIDTH), backward=backward or None)


@pytest.mark.parametrize("settings", [{}, {"is_causal": True}, {"masked": True}, {"groups": 2}], ids=str)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize(("backward", "grad"), [(True, True), (False, True), (False, False)])
def test_the_estimate_is_near_the_peak_of_a_run_with_the_fused_kernel(
    settings: dict[str, Any], layers: int, *, backward: bool, grad: bool
) -> None:
    """Without dropout the CPU has a fused kernel: what it needs is known."""
    fused = traced(layers, backward=backward, grad=grad, **settings)
    assert math_path(fused) is None
    dropped = traced(layers, backward=backward, grad=grad, dropout_p=0.1, **settings)
    found = math_path(dropped)
    assert found is not None
    assert (found.calls, found.reasons) == (layers, ("dropout_p=0.1",))
    assert found.peak == dropped.memory.peak > 1.3 * fused.memory.peak
    assert found.fused == pytest.approx(fused.memory.peak, rel=0.05)
    assert found.fused >= 0.98 * fused.memory.peak


def test_a_mask_that_requires_grad_is_a_reason() -> None:
    found = math_path(traced(bias=True, backward=True))
    assert found is not None
    assert found.reasons == ("a mask that requires grad",)
    assert found.fused < found.peak


def test_what_is_fused_computed_by_hand_or_read_from_a_file_has_no_estimate() -> None:
    def by_hand(q: Tensor) -> Tensor:
        return nn.functional.dropout((q @ q.mT).softmax(-1)) @ q

    assert math_path(traced()) is None
    assert math_path(trace(by_hand, torch.ones(2, 8, 4))) is None
    assert math_path(expanded(traced(dropout_p=0.1).canonical)) is None


def test_without_what_the_kernel_keeps_the_estimate_would_be_too_low(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = traced(3, dropout_p=0.1, backward=True)
    sound = math_path(graph)
    monkeypatch.setattr("pytest_torchgraph.analysis.fused._extend", lambda *_: None)
    defect = math_path(graph)
    fused = traced(3, backward=True).memory.peak
    assert sound is not None
    assert defect is not None
    assert defect.fused < 0.98 * fused <= sound.fused


def test_a_report_says_so_and_tells_the_peak_twice() -> None:
    report = render(compare(traced(2), traced(2, dropout_p=0.1)).outline("test_m"))
    (line,) = [line for line in report.splitlines() if "math path" in line]
    assert line.startswith("  attention took the CPU's math path (2 calls, dropout_p=0.1): peak ")
    assert " as run, about " in line
    assert line.endswith(" with fused attention (estimate)")
    assert "math path" not in render(compare(traced(2), traced(2, is_causal=True)).outline("test_m"))
