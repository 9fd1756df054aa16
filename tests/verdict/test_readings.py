"""What releases of libraries really change, each as small as it gets: the first line is true and names a cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pytest_torchgraph.capture.tracing import trace
from pytest_torchgraph.comparison import Comparison, compare
from pytest_torchgraph.diff.change import Altered
from tests.capture.small import Calls

X = torch.ones(2, 6, 8)
Forward = Callable[..., Any]


def compared(before: Forward, after: Forward, *args: Tensor) -> tuple[Comparison, Comparison]:
    there, back = (trace(Calls(lambda _, *given, run=run: run(*given)), args) for run in (before, after))
    return compare(there, back), compare(back, there)


def leading(comparison: Comparison) -> tuple[str, str]:
    finding = comparison.verdict.findings[0]
    return finding.cause, finding.title


def test_a_copy_of_labels_never_takes_the_place_of_one_of_logits() -> None:
    def before(x: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(x[:, :-1].reshape(-1, 8), labels[:, 1:].reshape(-1))

    def after(x: Tensor, labels: Tensor) -> Tensor:
        shifted = functional.pad(labels, (0, 1), value=-100)[:, 1:].contiguous()
        return functional.cross_entropy(x.view(-1, 8), shifted.view(-1))

    for comparison in compared(before, after, X, torch.ones(2, 6, dtype=torch.long)):
        altered = [change for change in comparison.difference.changes if isinstance(change, Altered)]
        copies = [change for change in altered if change.after.name.startswith("aten.clone")]
        assert not [field for change in copies for field in change.fields if field.kind == "dtype"]


def test_a_range_is_the_same_however_it_is_asked_for() -> None:
    def before(x: Tensor) -> Tensor:
        return x + torch.arange(0, 8)

    def after(x: Tensor) -> Tensor:
        return x + torch.arange(8, dtype=torch.long, device=x.device)

    for comparison in compared(before, after, X):
        assert comparison.verdict.status == "note"
        assert leading(comparison)[0] == "same-argument"


def test_a_range_of_other_numbers_is_not() -> None:
    for comparison in compared(lambda x: x + torch.arange(1, 9), lambda x: x + torch.arange(8), X):
        assert comparison.verdict.status == "drift"


def test_a_padding_mask_that_is_compared_or_cast_is_made_otherwise() -> None:
    def attend(x: Tensor, mask: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(x, x, x, attn_mask=mask[:, None].expand(-1, 6, -1))

    there, back = compared(
        lambda x, kept: attend(x, kept == 1),
        lambda x, kept: attend(x, kept.to(torch.bool)),
        X,
        torch.ones(2, 6, dtype=torch.long),
    )
    told = "mask-rebuilt", "a mask is made otherwise: bool[2,6], 12 B (1 operation for 1)"
    assert (leading(there), leading(back)) == (told, told)


def test_padding_by_nothing_is_a_copy() -> None:
    there, back = compared(lambda x: x * 2, lambda x: functional.pad(x, (0, 0, 0, 0)) * 2, X)
    assert (leading(there)[0], leading(back)[0]) == ("extra-copy", "copy-removed")
    there, _ = compared(lambda x: x * 2, lambda x: functional.pad(x, (0, 0, 0, 1)) * 2, X)
    assert leading(there)[0] != "extra-copy"


def test_an_operation_that_is_no_longer_in_place_and_needs_no_more_memory_is_told_last() -> None:
    def before(x: Tensor) -> Tensor:
        return x.exp().add_(1).sum()

    def after(x: Tensor) -> Tensor:
        return x.exp().add(1).sum().sin()

    (comparison, _) = compared(before, after, X)
    metrics = dict(comparison.difference.metrics_before), dict(comparison.difference.metrics_after)
    same = metrics[0]["peak"] == metrics[1]["peak"]
    assert (comparison.verdict.findings[0].cause == "out-of-place") is not same


class Core(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(8, 8) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.query(x), self.key(x), self.value(x)
        return (q @ k.mT / 8**0.5).softmax(-1) @ v


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.core = Core()

    def forward(self, x: Tensor) -> Tensor:
        return self.core(x)


class Flat(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(8, 8) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(self.q_proj(x), self.k_proj(x), self.v_proj(x))


class Model(nn.Module):
    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        return x + self.attention(x)


def test_attention_that_is_one_call_now_is_found_though_the_module_in_it_is_gone() -> None:
    nested, flat = (trace(Model(made), X) for made in (Nested(), Flat()))
    assert leading(compare(nested, flat))[0] == "attention-fused"
    assert leading(compare(flat, nested))[0] == "attention-unfused"


def test_other_sizes_are_a_configuration_only_where_the_model_holds_others() -> None:
    class Product(nn.Module):
        def __init__(self, *, turned: bool) -> None:
            super().__init__()
            self.turned = turned
            self.weight = nn.Parameter(torch.ones(4, 8) if turned else torch.ones(8, 4))

        def forward(self, x: Tensor) -> Tensor:
            return x @ (self.weight.T if self.turned else self.weight)

    findings = compare(trace(Product(turned=False), X), trace(Product(turned=True), X)).verdict.findings
    assert findings
    assert "other-configuration" not in {finding.cause for finding in findings}


def test_a_module_that_was_dissolved_is_a_note_in_a_training_step_too() -> None:
    class Inner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.key, self.value = (nn.Linear(8, 8) for _ in range(3))

        def forward(self, x: Tensor) -> Tensor:
            scaled = functional.scaled_dot_product_attention
            return scaled(self.query(x), self.key(x), self.value(x), scale=8**-0.5)

    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.out = Inner(), nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.inner(x))

    class Whole(Flat):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(super().forward(x))

    nested, flat = (trace(Model(made), X, backward=True) for made in (Outer(), Whole()))
    for comparison in (compare(nested, flat), compare(flat, nested)):
        assert comparison.verdict.status == "note", str(comparison)


def test_backward_work_that_stands_elsewhere_is_no_lost_gradient() -> None:
    nested, flat = (trace(Model(made), X, backward=True) for made in (Nested(), Flat()))
    for comparison in (compare(nested, flat), compare(flat, nested)):
        assert "gradient-lost" not in {finding.cause for finding in comparison.verdict.findings}


def test_an_operation_with_another_number_is_not_the_same_one_in_place() -> None:
    there, back = compared(lambda x: (x.exp() + 1).sum(), lambda x: x.exp().add_(2).sum(), X)
    for comparison in (there, back):
        assert not {"in-place", "out-of-place"} & {finding.cause for finding in comparison.verdict.findings}
    there, back = compared(lambda x: (x.exp() + 1).sum(), lambda x: x.exp().add_(1).sum(), X)
    assert {leading(there)[0], leading(back)[0]} == {"in-place", "out-of-place"}


class Ranked(nn.Module):
    """Texts of one batch ranked against each other: as many of them as each has tokens."""

    def __init__(self, protects: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.protects, self.loss = protects, nn.CrossEntropyLoss()

    def forward(self, x: Tensor) -> Tensor:
        mean = functional.scaled_dot_product_attention(x, x, x).mean(1)
        scores = mean @ mean.mT
        scores = scores.masked_fill((scores > 1) & ~self.protects(scores), float("-inf"))
        found: Tensor = self.loss(scores, torch.arange(6))
        return found


def test_the_scores_of_a_batch_against_itself_are_no_mask_though_they_are_of_its_sizes() -> None:
    def eye(_: Tensor) -> Tensor:
        return torch.eye(6, dtype=torch.bool)

    def compared_with_itself(_: Tensor) -> Tensor:
        return torch.arange(6)[:, None] == torch.arange(6)

    def written(scores: Tensor) -> Tensor:
        found = torch.zeros_like(scores, dtype=torch.bool)
        found[torch.arange(6), torch.arange(6)] = True
        return found

    x = torch.ones(6, 6, 8)
    graphs = [trace(nn.Sequential(Ranked(protects)), (x,)) for protects in (eye, compared_with_itself, written)]
    for before in graphs:
        for after in graphs:
            titles = [finding.title for finding in compare(before, after).verdict.findings]
            assert not [title for title in titles if "a mask" in title]


def test_an_attention_call_that_is_given_other_values_of_one_look_is_called_as_before() -> None:
    def attend(x: Tensor, y: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(x, y, y)

    for comparison in compared(lambda x: attend(x.sin(), x.cos()), lambda x: attend(x.cos(), x.sin()), X[:, None]):
        title = leading(comparison)[1]
        assert comparison.verdict.status == "drift"
        assert title.startswith(
            ("scaled_dot_product_attention: query %sin", "scaled_dot_product_attention: query %cos")
        )
