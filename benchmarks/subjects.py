"""The models whose checks are timed, at the sizes that tests have in CI."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.bare import Bare
from tests.models.resnet import resnet50
from tests.real import factories

CHAIN = 100_000


@dataclass(frozen=True)
class Subject:
    """What is checked: a call, and the optimizer of a training step; ``edit`` makes it do other work until undone."""

    model: Callable[..., Any]
    args: Any
    edit: Callable[[], Callable[[], None]]
    optimizer: torch.optim.Optimizer | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The options of its check."""
        return {} if self.optimizer is None else {"backward": loss, "optimizer": self.optimizer}

    def run(self) -> None:
        """The work of one check under the bare mode."""
        if self.optimizer is None:
            with Bare(), torch.no_grad():
                self.call()
            return
        with Bare():
            loss(self.call()).backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
        self._count_no_step()

    def _count_no_step(self) -> None:
        """Let the optimizer be before the same step again: it corrects its numbers by how many it has made."""
        for state in () if self.optimizer is None else self.optimizer.state.values():
            state["step"].fill_(1.0)

    def call(self) -> Any:
        """What the model returns."""
        return self.model(**self.args) if isinstance(self.args, Mapping) else self.model(self.args)


class Chain:
    """Operations no two of which are alike, so that nothing folds."""

    def __init__(self, count: int) -> None:
        chance = random.Random(0)
        self.steps = [(chance.random() < 0.5, chance.random()) for _ in range(count)]
        self.cloned = -1

    def __call__(self, x: Tensor) -> Tensor:
        for place, (multiplies, number) in enumerate(self.steps):
            x = x * number if multiplies else x + number
            if place == self.cloned:
                x = x.clone()
        return x

    def edit(self) -> Callable[[], None]:
        """Copy a value in the middle."""
        self.cloned = len(self.steps) // 2
        return self.undo

    def undo(self) -> None:
        """Copy nothing."""
        self.cloned = -1


def loss(output: Any) -> Tensor:
    """One number."""
    found: Tensor = output if isinstance(output, Tensor) else output[0]
    return found.float().square().mean()


def of_module(model: nn.Module, args: Any, edited: str, optimizer: torch.optim.Optimizer | None = None) -> Subject:
    """A subject whose edit lets the module *edited* return a copy."""

    def edit() -> Callable[[], None]:
        module = model.get_submodule(edited)
        return module.register_forward_hook(lambda *given: given[2].clone()).remove

    return Subject(model, args, edit, optimizer)


def llama() -> Subject:
    """A decoder of 32 layers, width 64."""
    example = factories.llama(32)
    example.model.config.use_cache = False  # type: ignore[attr-defined]
    return of_module(example.model, example.args, "model.layers.16.mlp")


def bert() -> Subject:
    """An encoder of 12 layers, width 64."""
    example = factories.bert(12)
    return of_module(example.model, example.args, "encoder.layer.6.output")


def resnet() -> Subject:
    """ResNet-50 on a picture of 64 pixels."""
    return of_module(resnet50().eval(), torch.randn(1, 3, 64, 64), "layer2.1.conv2")


def mixtral() -> Subject:
    """A mixture of experts, 4 layers."""
    example = factories.mixtral(4)
    return of_module(example.model, example.args, "model.layers.2.self_attn.o_proj")


def gpt2() -> Subject:
    """A training step of 12 layers, width 64, with AdamW one parameter at a time."""
    example = factories.gpt2(12)
    optimizer = torch.optim.AdamW(example.model.parameters(), foreach=False)
    return of_module(example.model, example.args, "transformer.h.6.mlp", optimizer)


def chain() -> Subject:
    """A hundred thousand operations, no two alike."""
    work = Chain(CHAIN)
    return Subject(work, torch.ones(2, 2), work.edit)


SUBJECTS: dict[str, Callable[[], Subject]] = {
    "llama": llama,
    "bert": bert,
    "resnet": resnet,
    "mixtral": mixtral,
    "gpt2": gpt2,
    "chain": chain,
}
TITLES = {
    "llama": "Llama, 32 layers, forward",
    "bert": "BERT, 12 layers, forward",
    "resnet": "ResNet-50, 64 px, forward",
    "mixtral": "Mixtral, 4 layers, forward",
    "gpt2": "GPT-2, 12 layers, AdamW step",
    "chain": "100,000 unlike operations",
}
