"""Dropout is handed to attention, which then takes another kernel: pytorch#103704."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from tests.regressions.decoder import Decoder, Projections, tokens
from tests.regressions.pair import Run, Told

TOLD = Told(cause="attention-path", module="layers.*.attention ×4")
RARELY = 1e-9
"""So that nothing is dropped, and the numbers stay."""


class Attention(Projections):
    def __init__(self, dropout_p: float) -> None:
        super().__init__()
        self.dropout_p = dropout_p

    def forward(self, x: Tensor) -> Tensor:
        return self.merge(scaled_dot_product_attention(*self.split(x), dropout_p=self.dropout_p))  # here


def before() -> Run:
    return Run(model=Decoder(lambda: Attention(0.0)), args=tokens())


def after() -> Run:
    return Run(model=Decoder(lambda: Attention(RARELY)), args=tokens())
