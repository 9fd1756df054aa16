"""A hint is printed only where the graphs bear out what it says."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.comparison import compare
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.verdict.finding import Finding

X = torch.ones(2, 4, 8)
Act = Callable[[Tensor], Tensor]


class Gate(nn.Module):
    def __init__(self, act: Act) -> None:
        super().__init__()
        self.act, self.up, self.down = act, nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.act(self.up(x)))


class Other(Gate):
    """The same under another class."""


class Net(nn.Module):
    def __init__(self, name: str, gate: Gate) -> None:
        super().__init__()
        self.name = name
        self.add_module(name, gate)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.get_submodule(self.name)(x)


def net(name: str, act: Act = torch.relu, kind: type[Gate] = Gate) -> Graph:
    torch.manual_seed(0)
    return trace(Net(name, kind(act)), X)


def named(before: Graph, after: Graph) -> list[Finding]:
    return [finding for finding in compare(before, after).verdict.findings if finding.cause == "renamed"]


def test_a_rename_with_the_same_work_says_that_the_work_is_the_same() -> None:
    assert [finding.hint for finding in named(net("gate"), net("mlp"))] == ["the work is the same"]


def test_a_rename_of_what_does_something_else_does_not() -> None:
    found = named(net("gate"), net("mlp", torch.tanh))
    assert found
    assert not any(finding.hint for finding in found)


def test_nor_does_a_class_that_was_rewritten() -> None:
    assert (
        named(net("gate"), net("gate", kind=Other))[0].hint
        == "the class has another name, its modules do the same work"
    )
    assert not any(finding.hint for finding in named(net("gate"), net("gate", torch.tanh, Other)))


def shared(copies: bool, gqa: bool) -> Graph:
    def attend(q: Tensor, k: Tensor) -> Tensor:
        if not gqa:
            k = k.repeat_interleave(2, 1) if copies else k.expand(-1, 2, -1, -1)
        return functional.scaled_dot_product_attention(q, k, k, enable_gqa=gqa)

    return trace(attend, (torch.ones(1, 2, 4, 8), torch.ones(1, 1, 4, 8)))


def test_keys_that_are_expanded_and_not_repeated_are_not_said_to_be_repeated() -> None:
    told = [
        compare(shared(copies, gqa=True), shared(copies, gqa=False)).verdict.findings[0] for copies in (True, False)
    ]
    assert [finding.cause for finding in told] == ["repeated-keys", "attention-path"]
    assert [bool(finding.hint) for finding in told] == [True, False]


def dropped(*, gate: Act, detached: bool) -> Graph:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = Gate(gate), Gate(torch.relu)

        def forward(self, x: Tensor) -> Tensor:
            y = self.two(x)
            return self.one(x) + (y.detach() if detached else y)

    torch.manual_seed(0)
    return trace(Two(), X, backward=True)


def test_outputs_are_not_said_to_stay_the_same_beside_another_edit() -> None:
    before = dropped(gate=torch.relu, detached=False)
    alone, beside = (
        next(
            finding.hint
            for finding in compare(before, dropped(gate=gate, detached=True)).verdict.findings
            if finding.cause == "gradient-lost"
        )
        for gate in (torch.relu, torch.tanh)
    )
    assert "same outputs" in alone
    assert "detach" in beside
    assert "same outputs" not in beside


def told(before: Callable[[Tensor], object], after: Callable[[Tensor], object]) -> list[Finding]:
    """What is told of a plain function that became another one."""
    return [*compare(trace(before, X), trace(after, X)).verdict.findings]


def test_values_written_into_a_part_are_not_said_to_be_a_view_that_is_copied() -> None:
    def written(x: Tensor) -> Tensor:
        made = torch.zeros(2, 4, 16)
        made[..., :8] = x
        return made

    (copied,) = [each for each in told(lambda x: torch.zeros(2, 4, 16), written) if each.kind == "copy"]
    assert copied.hint == "values are written into a part of another tensor (x[...] = y)"


def test_a_mask_that_is_written_out_for_all_heads_is_not_said_to_be_keys() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True, dropout=0.0)
    padding = torch.zeros(2, 4, dtype=torch.bool)
    masked, plain = trace(layer, X, {"src_key_padding_mask": padding}), trace(layer, X)
    found = (*compare(masked, plain).verdict.findings, *compare(plain, masked).verdict.findings)
    assert not {finding.cause for finding in found} & {"repeated-keys", "keys-shared"}


def test_an_output_that_is_returned_with_more_beside_it_is_still_returned() -> None:
    def alone(x: Tensor) -> Tensor:
        return x.relu()

    def beside(x: Tensor) -> dict[str, Tensor]:
        return {"logits": x.relu(), "sum": x.sum()}

    found = (*told(alone, beside), *told(beside, alone))
    assert [each.title for each in found if each.kind == "output" and each.cause == "renamed"] == [
        "outputs renamed: the only one -> logits",
        "outputs renamed: logits -> the only one",
    ]


class Ranked(nn.Module):
    """Attention, and a loss over as many texts as attention has tokens."""

    def __init__(self, *, hidden: bool, masked: bool = False) -> None:
        super().__init__()
        self.hidden, self.masked = hidden, masked

    def forward(self, x: Tensor) -> Tensor:
        q, labels = x[:, None], torch.arange(4.0)
        before = torch.full((4, 4), float("-inf")).triu(1) if self.masked else None
        pooled = functional.scaled_dot_product_attention(q, q, q, attn_mask=before).mean((0, 1))
        scores = pooled @ pooled.T
        if self.hidden:
            scores = scores.masked_fill(labels[:, None] < labels, float("-inf"))
        return scores.logsumexp(-1).sum()


def test_what_a_loss_compares_is_no_mask_of_attention() -> None:
    plain, hidden = (trace(Ranked(hidden=hidden), X) for hidden in (False, True))
    for findings in (compare(plain, hidden).verdict.findings, compare(hidden, plain).verdict.findings):
        assert findings
        assert not [finding for finding in findings if finding.cause.startswith("mask-") or "mask is" in finding.title]


def test_a_mask_that_is_made_for_attention_is_one() -> None:
    plain, masked = (trace(Ranked(hidden=True, masked=masked), X) for masked in (False, True))
    assert compare(plain, masked).verdict.findings[0].cause in {"attention-path", "mask-materialised"}


class Normed(nn.Module):
    """Two streams, each projected and normed: heads first and one stream after the other, or both at once."""

    def __init__(self, *, at_once: bool) -> None:
        super().__init__()
        self.at_once = at_once
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)
        self.norm_first, self.norm_second = nn.LayerNorm(4), nn.LayerNorm(4)

    def forward(self, x: Tensor) -> Tensor:
        if self.at_once:
            first, second = (each(x).unflatten(-1, (2, 4)) for each in (self.first, self.second))
            q, k = self.norm_first(first).transpose(1, 2), self.norm_second(second).transpose(1, 2)
        else:
            q = self.norm_first(self.first(x).unflatten(-1, (2, 4)).transpose(1, 2))
            k = self.norm_second(self.second(x).unflatten(-1, (2, 4)).transpose(1, 2))
        return functional.scaled_dot_product_attention(q, k, k)


def test_modules_that_are_given_the_same_values_in_another_layout_are_not_called_in_another_order() -> None:
    apart, at_once = (trace(Normed(at_once=at_once), X) for at_once in (False, True))
    for findings in (compare(apart, at_once).verdict.findings, compare(at_once, apart).verdict.findings):
        assert findings
        assert "other-order" not in {finding.cause for finding in findings}
