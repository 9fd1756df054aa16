"""Complex numbers, their views and their conjugates."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class Spectral(nn.Module):
    """Filters in the frequency domain."""

    def __init__(self) -> None:
        super().__init__()
        self.filter = nn.Parameter(torch.randn(5, 2))

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(x) * torch.view_as_complex(self.filter)
        turned = spectrum.conj() * spectrum
        return torch.fft.irfft(turned, n=x.shape[-1]) + torch.view_as_real(spectrum).sum()


def example() -> Example:
    return Example(Spectral().eval(), torch.randn(2, 8))
