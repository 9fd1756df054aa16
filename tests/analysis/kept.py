"""Models with a flag that plants a regression of memory; the line at fault ends with the name of the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 -- as PyTorch's documents import it
from torch.utils.checkpoint import checkpoint

SOURCE = Path(__file__)
LENGTH, WIDTH, WORDS = 64, 32, 512
Case: TypeAlias = "tuple[Any, Any, dict[str, Any]]"
STEP = {"backward": True}


class Planted(nn.Module):
    """A model with a flag."""

    def __init__(self, planted: bool) -> None:
        super().__init__()
        self.planted = planted
        self.first = nn.Linear(WIDTH, WIDTH)
        self.last = nn.Linear(WIDTH, WORDS)
        self.cache: list[Tensor] = []


def rows(*shape: int) -> Tensor:
    return torch.randn(*(shape or (LENGTH, WIDTH)))


class KeptInList(Planted):
    def forward(self, x: Tensor) -> Tensor:
        logits = self.last(self.first(x))
        scaled = logits * 0.5  # kept_in_list
        if self.planted:
            self.cache.append(scaled)
        loss = scaled.exp().sum()
        del logits, scaled
        return loss + x.repeat(64, 1).exp().sum()


class KeptInVariable(Planted):
    def forward(self, x: Tensor) -> Tensor:
        long = x.repeat(8, 1)  # kept_in_variable
        total = long.sum()
        if not self.planted:
            del long
        return total + x.repeat(16, 1).sum()


class Returned(Planted):
    def forward(self, x: Tensor) -> Any:
        logits = self.last(x)
        half = logits * 0.5  # returned
        loss = half.exp().sum()
        if self.planted:
            del logits
            return loss + x.repeat(64, 1).exp().sum(), half
        del logits, half
        return loss + x.repeat(64, 1).exp().sum(), None


class Upcast(Planted):
    def forward(self, x: Tensor) -> Tensor:
        logits = self.last(x)
        if self.planted:
            logits = logits.double()  # upcast
        return logits.logsumexp(-1)


class MaskMaterialised(Planted):
    def forward(self, x: Tensor) -> Tensor:
        scores = x @ x.T
        if self.planted:
            return scores + torch.full((8, LENGTH, LENGTH), -1.0)  # mask_materialised
        return scores - 1.0


class ExpandedInFull(Planted):
    def forward(self, x: Tensor) -> Tensor:
        wide = x[:, None].expand(-1, 16, -1)
        if self.planted:
            wide = wide.contiguous()  # expanded_in_full
        return wide.sum()


class NotInPlace(Planted):
    def forward(self, x: Tensor) -> Tensor:
        h = self.last(x)
        if self.planted:
            return torch.relu(h).sum(-1)  # not_in_place
        return torch.relu_(h).sum(-1)


class OneHot(Planted):
    def forward(self, x: Tensor) -> Tensor:
        index = torch.arange(LENGTH)
        table = self.last.weight
        if self.planted:
            return F.one_hot(index, WORDS).float() @ table  # one_hot
        return table[index]


class OuterProduct(Planted):
    def forward(self, x: Tensor) -> Tensor:
        if self.planted:
            return (x[:, None] * x[None]).sum(-1)  # outer_product
        return x @ x.T


class MaskSaved(Planted):
    def forward(self, x: Tensor) -> Tensor:
        h = self.last(x)
        if self.planted:
            h = h * (h.detach() > 0).double()  # mask_saved
        return h.sum()


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x)) * 2)  # checkpoint_dropped


class CheckpointDropped(nn.Module):
    def __init__(self, planted: bool) -> None:
        super().__init__()
        self.planted = planted
        self.blocks = nn.ModuleList(Block() for _ in range(6))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x) if self.planted else checkpoint(block, x, use_reentrant=False)
        return x


class ScoresByHand(Planted):
    def forward(self, x: Tensor) -> Tensor:
        q = self.first(x).view(1, LENGTH, 8, 4).transpose(1, 2)
        if self.planted:
            return torch.softmax(q @ q.mT, -1) @ q  # scores_by_hand
        return F.scaled_dot_product_attention(q, q, q, scale=1.0)


class AllLayers(Planted):
    def forward(self, x: Tensor) -> Tensor:
        if self.planted:
            return torch.stack([x * scale for scale in range(16)]).sum(0)  # all_layers
        total = torch.zeros_like(x)
        for scale in range(16):
            total += x * scale
        return total


class KeptByHook(Planted):
    def __init__(self, planted: bool) -> None:
        super().__init__(planted)
        if planted:
            self.last.register_forward_hook(lambda module, inputs, output: self.cache.append(output))

    def forward(self, x: Tensor) -> Tensor:
        total = self.last(x).sum()  # kept_by_hook
        return total + x.repeat(64, 1).exp().sum()


class ClonedFirst(Planted):
    def forward(self, x: Tensor) -> Tensor:
        h = self.last(x)
        base = h.clone() if self.planted else h  # cloned_first
        return base.mul_(2).sum() + h.shape[0]


class Distances(Planted):
    def forward(self, x: Tensor) -> Tensor:
        if self.planted:
            return (x[:, None] - x[None]).norm(dim=-1)  # distances
        return torch.cdist(x, x)


class Unfolded(nn.Module):
    def __init__(self, planted: bool) -> None:
        super().__init__()
        self.planted = planted
        self.conv = nn.Conv2d(8, 8, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.planted:
            return self.conv.weight.flatten(1) @ F.unfold(x, 3)  # unfolded
        return self.conv(x)


class LastOutputHeld(Planted):
    def forward(self, x: Tensor) -> Tensor:
        y = self.last(x)
        if self.planted:
            self.held = y.detach().clone()  # last_output_held
        return y.exp_().sum()


class GatheredTwice(Planted):
    def forward(self, x: Tensor) -> Tensor:
        parts = [x, x, x, x]
        if self.planted:
            parts = [torch.cat(parts) for _ in range(4)]  # gathered_twice
        return torch.stack([part.sum() for part in parts]).sum()


class WholeSoftmax(Planted):
    def forward(self, x: Tensor) -> Tensor:
        logits = self.last(x)
        target = torch.arange(LENGTH)
        if self.planted:
            return -torch.softmax(logits, -1)[target, target].log().mean()  # whole_softmax
        return F.cross_entropy(logits, target)


class SequenceKept(nn.Module):
    def __init__(self, planted: bool) -> None:
        super().__init__()
        self.planted = planted
        self.cell = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        steps = []
        for _ in range(12):
            x = torch.tanh(self.cell(x))  # sequence_kept
            if self.planted:
                steps.append(x)
        return x if not steps else steps[-1]


def plain(kind: Callable[[bool], nn.Module], *shape: int, **options: Any) -> Callable[[bool], Case]:
    return lambda planted: (kind(planted).requires_grad_("backward" in options), rows(*shape), options)


MODELS: dict[str, Callable[[bool], Case]] = {
    "kept_in_list": plain(KeptInList),
    "kept_in_variable": plain(KeptInVariable),
    "returned": plain(Returned),
    "upcast": plain(Upcast),
    "mask_materialised": plain(MaskMaterialised),
    "expanded_in_full": plain(ExpandedInFull),
    "not_in_place": plain(NotInPlace),
    "one_hot": plain(OneHot),
    "outer_product": plain(OuterProduct),
    "mask_saved": plain(MaskSaved, **STEP),
    "checkpoint_dropped": plain(CheckpointDropped, **STEP),
    "scores_by_hand": plain(ScoresByHand, **STEP),
    "all_layers": plain(AllLayers),
    "kept_by_hook": plain(KeptByHook),
    "cloned_first": plain(ClonedFirst),
    "distances": plain(Distances),
    "unfolded": plain(Unfolded, 1, 8, 16, 16),
    "last_output_held": plain(LastOutputHeld),
    "gathered_twice": plain(GatheredTwice),
    "whole_softmax": plain(WholeSoftmax),
    "sequence_kept": plain(SequenceKept),
}
LONGER = ("kept_in_list", "kept_in_variable", "returned", "kept_by_hook", "sequence_kept")
"""Where the work is the same, and only how long a value lives is not."""
