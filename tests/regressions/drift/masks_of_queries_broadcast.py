"""A product of queries and pixels is spelled as a broadcast, 56 GiB in one tensor: transformers#25709."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.pair import Run, Told

TOLD = Told(cause="unfused", module="the model", atol=1e-5)


def run(model: nn.Module) -> Run:
    return Run(model=model, args=(torch.randn(2, 10, 8), torch.randn(2, 8, 12, 12)), grad=False)


def before() -> Run:
    class MaskPredictor(nn.Module):
        def forward(self, queries: Tensor, pixels: Tensor) -> Tensor:
            return torch.einsum("bqc,bchw->bqhw", queries, pixels)

    return run(MaskPredictor())


def after() -> Run:
    class MaskPredictor(nn.Module):
        def forward(self, queries: Tensor, pixels: Tensor) -> Tensor:
            return (queries[..., None, None] * pixels[:, None]).sum(2)  # here

    return run(MaskPredictor())
