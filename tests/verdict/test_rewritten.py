"""Work that is done as before by other operations is told as such, not as gone and come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from pytest_torchgraph import trace
from pytest_torchgraph.diff.change import Field
from pytest_torchgraph.diff.compare import compare
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.recorded.operation import Packed, PackedTensor
from pytest_torchgraph.verdict.drift import judge
from pytest_torchgraph.verdict.finding import Finding
from pytest_torchgraph.verdict.wording import field_text
from tests.capture.small import Calls
from tests.regressions.process_group import ranks

X = torch.ones(2, 4, 8)
IMAGE = torch.randn(2, 3, 6, 6)


def told(before: nn.Module, after: nn.Module, x: Tensor, **options: Any) -> list[Finding]:
    graphs = [trace(model, x, **options) for model in (before, after)]
    return [*judge(compare(graphs[0].canonical, graphs[1].canonical)).findings]


class OwnDropout(nn.Module):
    def __init__(self, *, own: bool) -> None:
        super().__init__()
        self.own = own

    def forward(self, x: Tensor) -> Tensor:
        if not self.own:
            return functional.dropout(x, 0.1)
        dropped = (1 - torch.empty_like(x).bernoulli_(0.9)).to(torch.bool)
        return x.masked_fill(dropped, 0) * (1 / 0.9)


def attending(dropout: nn.Module) -> nn.Module:
    def run(module: Any, x: Tensor) -> Tensor:
        scores: Tensor = module.dropout((x @ x.transpose(-1, -2)).softmax(-1))
        return scores @ x

    return Calls(run, dropout=dropout)


def test_dropout_by_other_operations_is_neither_a_mask_nor_two_edits() -> None:
    sides = attending(OwnDropout(own=True)), attending(OwnDropout(own=False))
    for before, after in (sides, sides[::-1]):
        first, *rest = [each for each in told(before, after, X) if each.kind == "operation"]
        assert (first.cause, rest) == ("dropout", [])
        assert "dropout is done by other operations in dropout" in first.title


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("train", [False, True])
def test_an_instance_norm_is_no_batch_norm_in_another_mode(*, affine: bool, train: bool) -> None:
    norms = nn.BatchNorm2d(3), nn.InstanceNorm2d(3, affine=affine)
    sides = [nn.Sequential(nn.Conv2d(3, 3, 1), norm).train(train) for norm in norms]
    first, *_ = told(sides[0], sides[1], IMAGE)
    assert (first.cause, first.title) == ("other-norm", "batch norm became instance norm (1 module)")
    first, *_ = told(sides[1], sides[0], IMAGE)
    assert (first.cause, first.title) == ("other-norm", "instance norm became batch norm (1 module)")


def test_a_leaf_that_is_copied_by_another_operation_is_no_copy_more() -> None:
    class Model(nn.Module):
        def __init__(self, *, cloned: bool) -> None:
            super().__init__()
            self.table, self.cloned = nn.Parameter(torch.ones(8)), cloned

        def forward(self, x: Tensor) -> Tensor:
            table = self.table.clone() if self.cloned else self.table.to(torch.float32, copy=True)
            return x + table

    for cloned in (False, True):
        copy, *_ = told(Model(cloned=not cloned), Model(cloned=cloned), X)
        assert (copy.cause, "in each call, as before" in copy.title) == ("copied-elsewhere", True)


def test_a_mask_is_told_where_products_and_softmax_are_modules() -> None:
    class Product(nn.Module):
        def forward(self, left: Tensor, right: Tensor) -> Tensor:
            return left @ right

    def run(module: Any, x: Tensor, *, masked: bool) -> Tensor:
        scores: Tensor = module.product(x, x.transpose(-1, -2))
        if masked:
            at = torch.arange(4)
            scores = scores.masked_fill(at > at[:, None], -1e9)
        found: Tensor = module.product(module.softmax(scores), x)
        return found

    sides = [
        Calls(lambda module, x, masked=masked: run(module, x, masked=masked), product=Product(), softmax=nn.Softmax(-1))
        for masked in (False, True)
    ]
    assert "mask-materialised" in {each.cause for each in told(sides[0], sides[1], X)}


def test_a_call_that_nothing_matches_from_one_side_is_looked_for_from_the_other() -> None:
    """A layer whose modules became its parent's: an edit and its reverse match as many."""

    class Inner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.up, self.norm, self.down = nn.Linear(8, 16), nn.LayerNorm(16), nn.Linear(16, 8)

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.down(self.norm(self.up(x)).relu())
            return found

    class Outer(nn.Module):
        def __init__(self, count: int) -> None:
            super().__init__()
            self.layers, self.key = nn.ModuleList(Inner() for _ in range(count)), nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = x + layer(x)
            found: Tensor = self.key(x) if len(self.layers) > 2 else functional.linear(x, self.key.weight)
            return found

    two, three = (trace(Outer(count), X).canonical for count in (2, 3))
    forth, back = compare(two, three), compare(three, two)
    assert len(forth.changes) == len(back.changes)


def test_a_sum_with_nothing_is_a_copy_that_is_told_as_such() -> None:
    plain, added = (Calls(lambda _, x, more=more: (x.exp() + 0 if more else x.exp()).sin()) for more in (False, True))
    finding, *_ = told(plain, added, X)
    assert (finding.cause, finding.title) == (
        "extra-copy",
        "aten.add of 0, which changes nothing: the model (+1 operation)",
    )
    finding, *_ = told(added, plain, X)
    assert finding.cause == "copy-removed"


def test_a_copy_of_a_few_bytes_does_not_head_an_edit_of_attention() -> None:
    def attend(_: Any, x: Tensor, *, edited: bool) -> Tensor:
        scale = (torch.arange(2) * 0.5).cos()
        scale = scale * 1 if edited else scale
        q = x.unflatten(-1, (2, -1)).transpose(1, 2)
        mask = None if edited else torch.ones(64, 64, dtype=torch.bool).tril()
        found: Tensor = functional.scaled_dot_product_attention(q, q, q, attn_mask=mask, is_causal=edited)
        return found * scale[:, None, None]

    sides = [Calls(lambda m, x, edited=edited: attend(m, x, edited=edited)) for edited in (False, True)]
    first, *rest = told(sides[0], sides[1], torch.ones(2, 64, 8))
    assert first.cause == "attention-path"
    assert "extra-copy" in {each.cause for each in rest}


def test_a_sum_with_a_number_is_no_copy() -> None:
    plain, added = (Calls(lambda _, x, more=more: (x.exp() + 2 if more else x.exp()).sin()) for more in (False, True))
    assert "extra-copy" not in {each.cause for each in told(plain, added, X)}


def test_tensors_that_are_concatenated_in_two_steps_are_written_twice() -> None:
    def at_once(_: Any, x: Tensor) -> Tensor:
        return torch.cat([x.exp(), x.sin(), x.cos()], -1).relu()

    def in_steps(_: Any, x: Tensor) -> Tensor:
        return torch.cat([x.exp(), torch.cat([x.sin(), x.cos()], -1)], -1).relu()

    first, *_ = told(Calls(at_once), Calls(in_steps), X)
    assert (first.cause, "in two steps, at once before" in first.title) == ("unfused", True)
    first, *_ = told(Calls(in_steps), Calls(at_once), X)
    assert (first.cause, "at once, in two steps before" in first.title) == ("fused", True)


def test_numbers_that_are_made_in_another_type_are_the_same_numbers() -> None:
    sides = [Calls(lambda _, x, to=to: x + torch.arange(8, dtype=to)) for to in (torch.int64, torch.float32)]
    assert told(sides[0], sides[1], X)[0].cause == "other-number"


def test_another_source_rank_is_named() -> None:
    def sent_from(rank: int) -> Graph:
        def run(_: Any, x: Tensor) -> Tensor:
            y = x * 2
            distributed.broadcast(y, rank)
            return y

        return trace(Calls(run), X)

    with ranks(2):
        first, second = (sent_from(rank).canonical for rank in (0, 1))
    (finding,) = judge(compare(first, second)).findings
    title = "source rank 0 -> 1 in 1 operation between ranks"
    assert (finding.cause, finding.title) == ("other-ranks", title)


def test_of_packed_weights_only_what_differs_is_told() -> None:
    bias = PackedTensor("float32", (16,))
    sides = [Packed((PackedTensor(dtype, (64, 32), "per_channel_affine"), bias)) for dtype in ("qint8", "quint8")]
    text = "packed qint8[64,32] per_channel_affine -> quint8[64,32] per_channel_affine"
    assert field_text(Field("argument", "weight", *sides)) == f"weight {text}"


@pytest.mark.parametrize(
    "reshape",
    [lambda w: w[:, None], lambda w: w.double(), lambda w: w.flip(0)[None]],
    ids=["behind", "another type", "other values"],
)
def test_what_broadcasting_does_not_add_is_no_spelling(reshape: Callable[[Tensor], Tensor]) -> None:
    plain = Calls(lambda model, x: x * model.layer.weight, layer=nn.RMSNorm(8))
    other = Calls(lambda model, x: x * reshape(model.layer.weight), layer=nn.RMSNorm(8))
    assert "fail" in {finding.severity for finding in told(plain, other, torch.ones(8, 8))}
