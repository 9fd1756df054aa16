"""The fused encoder layer that a padding mask switches on takes more memory: pytorch#166166."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.regressions.decoder import LENGTH, WIDTH
from tests.regressions.pair import Run, Told

TOLD = Told(cause="attention-path", module="encoder.layers.* ×2", atol=1e-5)


class Model(nn.Module):
    def __init__(self, *, fast: bool) -> None:
        super().__init__()
        self.fast = fast
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: Tensor, padding: Tensor) -> Tensor:
        enabled = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(self.fast)
        try:
            return self.encoder(x, src_key_padding_mask=padding)  # here
        finally:
            torch.backends.mha.set_fastpath_enabled(enabled)


def run(*, fast: bool) -> Run:
    padding = torch.arange(LENGTH).expand(2, -1) >= 12
    return Run(model=Model(fast=fast).eval(), args=(torch.randn(2, LENGTH, WIDTH), padding), grad=False)


def before() -> Run:
    return run(fast=False)


def after() -> Run:
    return run(fast=True)
