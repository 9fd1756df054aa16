"""One edit has one fingerprint wherever it is made, and another edit another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.verdict.drift import judge
from pytest_torchgraph.verdict.edits import edits_of

Edit = Callable[[Tensor, Tensor], Tensor]


def plain(q: Tensor, v: Tensor) -> Tensor:
    return nn.functional.scaled_dot_product_attention(q, q, v)


def copied_view(q: Tensor, v: Tensor) -> Tensor:
    return plain(q.contiguous(), v)


def cloned(q: Tensor, v: Tensor) -> Tensor:
    return plain(q, v).relu().clone()


def relued(q: Tensor, v: Tensor) -> Tensor:
    return plain(q, v).relu()


def masked(q: Tensor, v: Tensor) -> Tensor:
    size = q.shape[-2]
    return nn.functional.scaled_dot_product_attention(q, q, v, attn_mask=MASKS[size])


def causal(q: Tensor, v: Tensor) -> Tensor:
    return nn.functional.scaled_dot_product_attention(q, q, v, is_causal=True)


def scaled(q: Tensor, v: Tensor) -> Tensor:
    return plain(q, v) * (q.shape[-1] ** -0.5)


def upcast(q: Tensor, v: Tensor) -> Tensor:
    return plain(q, v).double()


def expanded(q: Tensor, v: Tensor) -> Tensor:
    return plain(q, v[:, :1].expand_as(v).clone())


def summed(q: Tensor, v: Tensor) -> Tensor:
    return plain(q, v).cumsum(-1)


MASKS = {size: torch.ones(size, size, dtype=torch.bool).tril() for size in (8, 12)}
EDITS = {edit.__name__: edit for edit in (copied_view, relued, masked, causal, scaled, upcast, expanded, summed)}


class Attention(nn.Module):
    """Heads of a projection."""

    def __init__(self, width: int, heads: int, inner: Edit) -> None:
        super().__init__()
        self.heads, self.inner, self.project = heads, inner, nn.Linear(width, 2 * width)

    def forward(self, x: Tensor) -> Any:
        q, v = self.project(x).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.inner(q, v).to(x.dtype).transpose(1, 2).flatten(2)


class Tower(nn.Module):
    """Attention in layers with other things around it."""

    def __init__(self, inner: Edit, layers: int) -> None:
        super().__init__()
        blocks = (nn.Sequential(nn.LayerNorm(48), Attention(48, 3, inner), nn.GELU()) for _ in range(layers))
        self.encoder = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> Any:
        for block in self.encoder:
            x = x + block(x)
        return x


def small(inner: Edit) -> Graph:
    return trace(Attention(16, 4, inner).eval(), torch.ones(2, 8, 16))


def large(inner: Edit) -> Graph:
    return trace(Tower(inner, 3).eval(), torch.ones(5, 12, 48))


def fingerprints(before: Graph, after: Graph) -> dict[str, str]:
    """Fingerprints of the edits, by the kind of the finding that tells of each."""
    findings = judge(compare(before.canonical, after.canonical), same_backend=False).findings
    return {edit.fingerprint: edit.finding.title for edit in edits_of(findings)}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_the_same_in_another_model_of_another_size(name: str) -> None:
    here = fingerprints(small(plain), small(EDITS[name]))
    there = fingerprints(large(plain), large(EDITS[name]))
    assert next(iter(here)) in there, (here, there)
    assert next(iter(there)) in here, (here, there)


def test_other_edits_have_others() -> None:
    found = [frozenset(fingerprints(small(plain), small(edit))) for edit in EDITS.values()]
    assert all(found)
    assert len(set(found)) == len(found)


def test_coming_and_going_differ_and_a_copy_of_a_view_is_no_plain_copy() -> None:
    came = fingerprints(small(plain), small(copied_view))
    went = fingerprints(small(copied_view), small(plain))
    other = fingerprints(small(relued), small(cloned))
    assert not came.keys() & went.keys()
    assert not came.keys() & other.keys()


def test_each_change_of_a_drift_has_its_own() -> None:
    def both(q: Tensor, v: Tensor) -> Tensor:
        return masked(q, v).relu()

    relu, mask = (fingerprints(small(plain), small(edit)).keys() for edit in (relued, masked))
    assert fingerprints(large(plain), large(both)).keys() == relu | mask
