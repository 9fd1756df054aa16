"""The pictures of the explorer: ``python docs/pictures/explorer.py`` takes them; Textual is needed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pytest_torchgraph import trace
from pytest_torchgraph.explorer.app import Explorer
from pytest_torchgraph.explorer.sources import of_live

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.loading import Source

HERE = Path(__file__).parent
SIZE = (132, 38)


class Residual(nn.Module):
    """Two convolutions around which the input goes, too."""

    def __init__(self, channels: int, made: int) -> None:
        super().__init__()
        stride = 1 if channels == made else 2
        self.conv1, self.bn1 = nn.Conv2d(channels, made, 3, stride, 1, bias=False), nn.BatchNorm2d(made)
        self.conv2, self.bn2 = nn.Conv2d(made, made, 3, 1, 1, bias=False), nn.BatchNorm2d(made)
        self.down = nn.Conv2d(channels, made, 1, stride, bias=False) if stride == 2 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """The sum of both ways."""
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.down(x))


class ResNet(nn.Module):
    """A residual network of four stages."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.relu, self.maxpool = nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        widths = (64, 64, 128, 256, 512)
        for stage in range(1, 5):
            width = widths[stage]
            setattr(
                self,
                f"layer{stage}",
                nn.Sequential(Residual(widths[stage - 1], width), *(Residual(width, width) for _ in range(2))),
            )
        self.fc = nn.Linear(512, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.fc(x.mean((2, 3)))


PICTURES = {
    "explorer": ("3", *"jjjjj", "tab"),
    "explorer-memory": (*"jjjjjj", "<", "<", "<"),
    "explorer-search": ("/", *"conv params", ">", *"1M", "enter"),
}
"""The keys that are pressed before each picture is taken."""


def source() -> Source:
    """A ResNet and the record of one training step."""
    torch.manual_seed(0)
    model, images = ResNet(), torch.randn(2, 3, 64, 64)
    graph = trace(model, images, backward=True, timing=3)
    return of_live(model, graph=lambda: graph)


async def take(name: str, keys: tuple[str, ...], taken: Source) -> None:
    """Press *keys*, and keep the screen."""
    app = Explorer(taken)
    async with app.run_test(size=SIZE) as pilot:
        while app.job is not None or app.subject is None:
            await pilot.pause(0.05)
        await pilot.press(*(LONG.get(key, key) for key in keys))
        await pilot.pause(0.2)
        text = app.export_screenshot(title="torchgraph explore models:resnet", simplify=True)
        (HERE / f"{name}.svg").write_text(text, encoding="utf-8")


LONG = {"/": "slash", "<": "less_than_sign", ">": "greater_than_sign", " ": "space"}


if __name__ == "__main__":
    taken = source()
    for name, keys in PICTURES.items():
        asyncio.run(take(name, keys, taken))
