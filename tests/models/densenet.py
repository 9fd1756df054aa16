"""Layers that read the results of all layers before them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tests.models.example import Example


class DenseLayer(nn.Module):
    """Bottleneck whose input is the concatenation of everything so far."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, features: list[Tensor]) -> Tensor:
        x = self.conv1(torch.relu(self.norm1(torch.cat(features, 1))))
        return self.conv2(torch.relu(self.norm2(x)))


class DenseBlock(nn.ModuleDict):
    """Dense layers under names, as the published network has them."""

    def __init__(self, count: int, channels: int, growth: int) -> None:
        super().__init__()
        for position in range(count):
            self.add_module(f"denselayer{position + 1}", DenseLayer(channels + position * growth, growth))

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.values():
            features.append(layer(features))
        return torch.cat(features, 1)


def transition(channels: int) -> nn.Sequential:
    """Half the channels and half the size."""
    return nn.Sequential(
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels // 2, 1, bias=False),
        nn.AvgPool2d(2, 2),
    )


def densenet(growth: int, blocks: tuple[int, ...], classes: int) -> nn.Sequential:
    """Dense blocks with transitions between them."""
    channels = 2 * growth
    layers: list[nn.Module] = [nn.Conv2d(3, channels, 7, 2, 3, bias=False), nn.MaxPool2d(3, 2, 1)]
    for position, count in enumerate(blocks):
        layers.append(DenseBlock(count, channels, growth))
        channels += count * growth
        if position < len(blocks) - 1:
            layers.append(transition(channels))
            channels //= 2
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def example() -> Example:
    return Example(densenet(growth=4, blocks=(3, 4), classes=10).eval(), torch.randn(1, 3, 32, 32))
