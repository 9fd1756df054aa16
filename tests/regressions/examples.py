"""Edits that are meant to change what is computed, for the causes that no regression has: examples for the documents.

Every class has ``before()`` and ``after()``, which build a :class:`Run`, and ``CAUSES``: what is told of the edit, and
of the way back.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts

from tests.regressions.pair import Pair, Run, Told
from tests.regressions.process_group import ranks

WIDTH, LENGTH = 8, 6
X = torch.ones(2, LENGTH, WIDTH)


def heads(x: Tensor) -> Tensor:
    """Two heads."""
    return x.unflatten(-1, (2, WIDTH // 2)).transpose(1, 2)


class Model(nn.Module):
    """What examples derive from: two layers and a head."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.body, self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU()), nn.Linear(width, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class Example:
    """One edit."""

    CAUSES: ClassVar[tuple[str, str]]
    WITHIN: ClassVar[Any] = None


class MaskMadeOtherwise(Example):
    CAUSES = "mask-rebuilt", "mask-rebuilt"

    @staticmethod
    def before() -> Run:
        def attend(x: Tensor) -> Tensor:
            mask = torch.full((LENGTH, LENGTH), float("-inf")).triu(1)
            return functional.scaled_dot_product_attention(heads(x), heads(x), heads(x), attn_mask=mask)

        return Run(model=attend, args=X)

    @staticmethod
    def after() -> Run:
        def attend(x: Tensor) -> Tensor:
            at = torch.arange(LENGTH)
            mask = torch.zeros(LENGTH, LENGTH).masked_fill_(at > at[:, None], float("-inf"))
            return functional.scaled_dot_product_attention(heads(x), heads(x), heads(x), attn_mask=mask)

        return Run(model=attend, args=X)


class HeadsCopiedEarlier(Example):
    CAUSES = "copied-elsewhere", "copied-elsewhere"

    @staticmethod
    def before() -> Run:
        def attend(x: Tensor) -> Tensor:
            q, k, v = heads(x), heads(x + 1), heads(x + 2)
            return torch.matmul(q, k.transpose(-1, -2)).softmax(-1) @ v

        return Run(model=attend, args=X)

    @staticmethod
    def after() -> Run:
        def attend(x: Tensor) -> Tensor:
            q, k, v = (part.contiguous() for part in (heads(x), heads(x + 1), heads(x + 2)))
            return torch.matmul(q, k.transpose(-1, -2)).softmax(-1) @ v

        return Run(model=attend, args=X)


class LogitsDowncast(Example):
    CAUSES = "downcast", "downcast-removed"

    @staticmethod
    def before() -> Run:
        class Classifier(Model):
            def forward(self, x: Tensor) -> Tensor:
                return self.head(self.body(x))

        return Run(model=Classifier(), args=X)

    @staticmethod
    def after() -> Run:
        class Classifier(Model):
            def forward(self, x: Tensor) -> Tensor:
                return self.head(self.body(x)).bfloat16()

        return Run(model=Classifier(), args=X)


class CastInTheOtherPart(Example):
    CAUSES = "cast-moved", "cast-moved"

    @staticmethod
    def before() -> Run:
        class Wide(nn.Linear):
            def forward(self, input: Tensor) -> Tensor:  # noqa: A002 -- PyTorch's name
                return super().forward(input).double().float()

        parts = nn.ModuleDict({"left": Wide(WIDTH, WIDTH), "right": nn.Linear(WIDTH, 3)})
        return Run(model=lambda x: (parts["left"](x), parts["right"](x)), args=X)

    @staticmethod
    def after() -> Run:
        class Wide(nn.Linear):
            def forward(self, input: Tensor) -> Tensor:  # noqa: A002 -- PyTorch's name
                return super().forward(input).double().float()

        parts = nn.ModuleDict({"left": nn.Linear(WIDTH, WIDTH), "right": Wide(WIDTH, 3)})
        return Run(model=lambda x: (parts["left"](x), parts["right"](x)), args=X)


class ExpertsLooped(Example):
    CAUSES = "experts-looped", "experts-grouped"

    @staticmethod
    def before() -> Run:
        weight = torch.ones(2, 16, 16, dtype=torch.bfloat16)

        def experts(x: Tensor) -> Tensor:
            ends = torch.tensor([16, 32], dtype=torch.int32)
            return functional.grouped_mm(x, weight, offs=ends)

        return Run(model=experts, args=torch.ones(32, 16, dtype=torch.bfloat16))

    @staticmethod
    def after() -> Run:
        weight = torch.ones(2, 16, 16, dtype=torch.bfloat16)

        def experts(x: Tensor) -> Tensor:
            return torch.cat([part @ weight[number] for number, part in enumerate(x.chunk(2))])

        return Run(model=experts, args=torch.ones(32, 16, dtype=torch.bfloat16))


class AnotherReduction(Example):
    CAUSES = "reduction", "reduction"
    WITHIN = partial(ranks, 4)

    @staticmethod
    def before() -> Run:
        def combined(x: Tensor) -> Tensor:
            made = x + 1
            torch.distributed.all_reduce(made, torch.distributed.ReduceOp.SUM)
            return made * 2

        return Run(model=combined, args=X)

    @staticmethod
    def after() -> Run:
        def combined(x: Tensor) -> Tensor:
            made = x + 1
            torch.distributed.all_reduce(made, torch.distributed.ReduceOp.MAX)
            return made * 2

        return Run(model=combined, args=X)


class AnotherGroup(Example):
    CAUSES = "other-ranks", "other-ranks"
    WITHIN = partial(ranks, 4)

    @staticmethod
    def before() -> Run:
        group = torch.distributed.new_group(range(4))

        def combined(x: Tensor) -> Tensor:
            made = x + 1
            torch.distributed.all_reduce(made, group=group)
            return made * 2

        return Run(model=combined, args=X)

    @staticmethod
    def after() -> Run:
        group = torch.distributed.new_group(range(2))

        def combined(x: Tensor) -> Tensor:
            made = x + 1
            torch.distributed.all_reduce(made, group=group)
            return made * 2

        return Run(model=combined, args=X)


class ProductsKept(Example):
    CAUSES = "kept", "recomputed"

    @staticmethod
    def before() -> Run:
        class Checkpointed(Model):
            def forward(self, x: Tensor) -> Tensor:
                return self.head(checkpoint(self.body, x, use_reentrant=False))

        return Run(model=Checkpointed(), args=X.clone().requires_grad_(), backward=torch.sum)

    @staticmethod
    def after() -> Run:
        keep = partial(create_selective_checkpoint_contexts, [torch.ops.aten.addmm.default])

        class Checkpointed(Model):
            def forward(self, x: Tensor) -> Tensor:
                return self.head(checkpoint(self.body, x, use_reentrant=False, context_fn=keep))

        return Run(model=Checkpointed(), args=X.clone().requires_grad_(), backward=torch.sum)


class EvalDropped(Example):
    CAUSES = "training-mode", "evaluation-mode"

    @staticmethod
    def before() -> Run:
        model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Dropout(0.1)).eval()
        return Run(model=model, args=X)

    @staticmethod
    def after() -> Run:
        model = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Dropout(0.1))
        return Run(model=model, args=X)


class DropoutRate(Example):
    CAUSES = "dropout", "dropout"

    @staticmethod
    def before() -> Run:
        return Run(model=nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Dropout(0.0)), args=X)

    @staticmethod
    def after() -> Run:
        return Run(model=nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Dropout(0.1)), args=X)


class WiderModel(Example):
    CAUSES = "other-configuration", "other-configuration"

    @staticmethod
    def before() -> Run:
        return Run(model=nn.Sequential(nn.Linear(WIDTH, 16), nn.ReLU(), nn.Linear(16, 4)), args=X)

    @staticmethod
    def after() -> Run:
        return Run(model=nn.Sequential(nn.Linear(WIDTH, 32), nn.ReLU(), nn.Linear(32, 4)), args=X)


class AnotherBatch(Example):
    CAUSES = "other-sizes", "other-sizes"

    @staticmethod
    def before() -> Run:
        return Run(model=Model(), args=torch.ones(2, LENGTH, WIDTH))

    @staticmethod
    def after() -> Run:
        return Run(model=Model(), args=torch.ones(4, LENGTH, WIDTH))


class InputsOfAnotherType(Example):
    CAUSES = "other-inputs", "other-inputs"

    @staticmethod
    def before() -> Run:
        return Run(model=lambda x: x * 2, args=X)

    @staticmethod
    def after() -> Run:
        return Run(model=lambda x: x * 2, args=X.double())


class OneLayerMore(Example):
    CAUSES = "module-added", "module-removed"

    @staticmethod
    def before() -> Run:
        return Run(model=nn.Sequential(*(nn.Linear(WIDTH, WIDTH) for _ in range(2))), args=X)

    @staticmethod
    def after() -> Run:
        return Run(model=nn.Sequential(*(nn.Linear(WIDTH, WIDTH) for _ in range(3))), args=X)


class AnotherModuleCalled(Example):
    CAUSES = "other-module", "other-module"

    @staticmethod
    def before() -> Run:
        class Mixed(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.q, self.k, self.v = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

            def forward(self, x: Tensor) -> Tensor:
                return self.q(x) + self.k(x) * self.v(x)

        return Run(model=Mixed(), args=X)

    @staticmethod
    def after() -> Run:
        class Mixed(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.q, self.k, self.v = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

            def forward(self, x: Tensor) -> Tensor:
                return self.q(x) + self.k(x) * self.k(x)

        return Run(model=Mixed(), args=X)


class AnotherCap(Example):
    CAUSES = "other-scale", "other-scale"

    @staticmethod
    def before() -> Run:
        return Run(model=lambda x: torch.tanh(x / 30.0) * 30.0, args=X)

    @staticmethod
    def after() -> Run:
        return Run(model=lambda x: torch.tanh(x / 50.0) * 50.0, args=X)


class AnotherNorm(Example):
    CAUSES = "other-norm", "other-norm"

    @staticmethod
    def before() -> Run:
        class Rms(nn.LayerNorm):
            def forward(self, input: Tensor) -> Tensor:  # noqa: A002 -- PyTorch's name
                return functional.rms_norm(input, (WIDTH,), self.weight, self.eps)

        return Run(model=nn.Sequential(nn.Linear(WIDTH, WIDTH), Rms(WIDTH)), args=X)

    @staticmethod
    def after() -> Run:
        return Run(model=nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH)), args=X)


class OptimizerGiven(Example):
    CAUSES = "phase-added", "phase-removed"

    @staticmethod
    def before() -> Run:
        model = Model()
        return Run(model=model, args=X, backward=torch.sum)

    @staticmethod
    def after() -> Run:
        model = Model()
        return Run(model=model, args=X, backward=torch.sum, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))


class FewerParametersForTheOptimizer(Example):
    CAUSES = "other-parameters", "other-parameters"

    @staticmethod
    def before() -> Run:
        model = Model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        return Run(model=model, args=X, backward=torch.sum, optimizer=optimizer)

    @staticmethod
    def after() -> Run:
        model = Model()
        optimizer = torch.optim.SGD(model.head.parameters(), lr=0.1)
        return Run(model=model, args=X, backward=torch.sum, optimizer=optimizer)


class AnotherOptimizer(Example):
    CAUSES = "other-optimizer", "other-optimizer"

    @staticmethod
    def before() -> Run:
        model = Model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, foreach=False)
        return Run(model=model, args=X, backward=torch.sum, optimizer=optimizer)

    @staticmethod
    def after() -> Run:
        model = Model()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, foreach=False)
        return Run(model=model, args=X, backward=torch.sum, optimizer=optimizer)


class AnotherParameterRead(Example):
    CAUSES = "other-weight", "other-weight"

    @staticmethod
    def before() -> Run:
        class Twice(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.first, self.second = (nn.Parameter(torch.ones(WIDTH, WIDTH)) for _ in range(2))

            def forward(self, x: Tensor) -> Tensor:
                return (x @ self.first) @ self.first + self.second.sum()

        return Run(model=Twice(), args=X)

    @staticmethod
    def after() -> Run:
        class Twice(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.first, self.second = (nn.Parameter(torch.ones(WIDTH, WIDTH)) for _ in range(2))

            def forward(self, x: Tensor) -> Tensor:
                return (x @ self.first) @ self.second + self.second.sum()

        return Run(model=Twice(), args=X)


class FloatForInt(Example):
    CAUSES = "other-number", "other-number"

    @staticmethod
    def before() -> Run:
        return Run(model=lambda x: x * 2, args=X)

    @staticmethod
    def after() -> Run:
        return Run(model=lambda x: x * 2.0, args=X)


class StepsBeforeBatch(Example):
    CAUSES = "bias-apart", "bias-within"

    @staticmethod
    def before() -> Run:
        return Run(model=Model(), args=X)

    @staticmethod
    def after() -> Run:
        class StepsFirst(Model):
            def forward(self, x: Tensor) -> Tensor:
                return super().forward(x.transpose(0, 1)).transpose(0, 1)

        return Run(model=StepsFirst(), args=X)


class GridOfProducts(Example):
    CAUSES = "made-otherwise", "made-otherwise"

    @staticmethod
    def before() -> Run:
        class WithPlaces(Model):
            def forward(self, x: Tensor) -> Tensor:
                places = torch.stack([torch.arange(WIDTH) * 0.1 for _ in range(LENGTH)])
                return super().forward(x + places)

        return Run(model=WithPlaces(), args=X)

    @staticmethod
    def after() -> Run:
        class WithPlaces(Model):
            def forward(self, x: Tensor) -> Tensor:
                places = torch.linspace(0, 0.7, WIDTH) + torch.zeros(LENGTH, 1)
                return super().forward(x + places)

        return Run(model=WithPlaces(), args=X)


class PositionsOfSines(Example):
    CAUSES = "positions-computed", "positions-learned"

    @staticmethod
    def before() -> Run:
        class Learned(Model):
            def __init__(self) -> None:
                super().__init__()
                self.positions = nn.Embedding(LENGTH, WIDTH)

            def forward(self, x: Tensor) -> Tensor:
                return super().forward(x + self.positions(torch.arange(LENGTH)))

        return Run(model=Learned(), args=X)

    @staticmethod
    def after() -> Run:
        class Sines(Model):
            def forward(self, x: Tensor) -> Tensor:
                angles = torch.arange(LENGTH)[:, None] * 0.5 ** torch.arange(WIDTH // 2)
                return super().forward(x + torch.cat([angles.sin(), angles.cos()], -1))

        return Run(model=Sines(), args=X)


class LogitsForLabels(Example):
    CAUSES = "logits-shifted", "labels-shifted"

    @staticmethod
    def before() -> Run:
        class Padded(Model):
            def forward(self, x: Tensor) -> Tensor:
                labels = functional.pad(torch.ones(2, LENGTH, dtype=torch.long), (0, 1), value=-100)
                return functional.cross_entropy(super().forward(x).flatten(0, 1), labels[:, 1:].flatten())

        return Run(model=Padded(), args=X)

    @staticmethod
    def after() -> Run:
        class Cut(Model):
            def forward(self, x: Tensor) -> Tensor:
                labels = torch.ones(2, LENGTH, dtype=torch.long)
                logits = super().forward(x)[:, :-1].contiguous()
                return functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten())

        return Run(model=Cut(), args=X)


class PaddingCounted(Example):
    CAUSES = "asked-otherwise", "asked-otherwise"

    @staticmethod
    def before() -> Run:
        class Checked(Model):
            def forward(self, x: Tensor) -> Tensor:
                return super().forward(x) if bool((x > 0).all()) else x

        return Run(model=Checked(), args=X)

    @staticmethod
    def after() -> Run:
        class Checked(Model):
            def forward(self, x: Tensor) -> Tensor:
                return super().forward(x) if bool((x > 0).sum() == x.numel()) else x

        return Run(model=Checked(), args=X)


class AnglesByBroadcast(Example):
    CAUSES = "outer-product", "outer-product"

    @staticmethod
    def before() -> Run:
        def angles(x: Tensor, at: Tensor) -> Tensor:
            return torch.bmm(x[:, :1].transpose(1, 2), at[:, None])

        return Run(model=angles, args=(X, torch.ones(2, LENGTH)))

    @staticmethod
    def after() -> Run:
        def angles(x: Tensor, at: Tensor) -> Tensor:
            return x[:, :1].transpose(1, 2) * at[:, None]

        return Run(model=angles, args=(X, torch.ones(2, LENGTH)))


def pair_of(example: Any) -> Pair:
    """One example as a pair."""
    more = {} if example.WITHIN is None else {"within": example.WITHIN}
    return Pair(name_of(example), example.before, example.after, Told(cause=example.CAUSES[0]), **more)


def name_of(example: Any) -> str:
    """``logits_downcast`` for ``LogitsDowncast``."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", example.__name__).lower()


EXAMPLES = {name_of(example): pair_of(example) for example in Example.__subclasses__()}
