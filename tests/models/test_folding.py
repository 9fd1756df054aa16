"""Models whose layers are alike are as short as one layer."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402  torch may be missing
from torch.nn.utils.parametrizations import spectral_norm, weight_norm  # noqa: E402

from pytest_torchgraph import trace  # noqa: E402
from pytest_torchgraph.graph import Graph  # noqa: E402
from pytest_torchgraph.snapshot.reader import read  # noqa: E402
from pytest_torchgraph.snapshot.writer import write  # noqa: E402


def lines_of(graph: Graph) -> list[str]:
    """The snapshot of *graph*, which is read back."""
    text = write(graph.canonical, test="t", recorded="r")
    assert read(text).program == graph.canonical
    return text.splitlines()


@pytest.mark.parametrize(
    ("normed", "most", "most_with_backward"),
    [(weight_norm, 30, 54), (spectral_norm, 35, 70)],
    ids=["weight", "spectral"],
)
def test_layers_that_hand_their_own_parameters_to_a_child_are_one(
    normed: object, most: int, most_with_backward: int
) -> None:
    assert callable(normed)
    model = nn.Sequential(*[normed(nn.Linear(8, 8)) for _ in range(48)]).eval()
    assert len(lines_of(trace(model, (torch.ones(2, 8),)))) <= most
    assert len(lines_of(trace(model, (torch.ones(2, 8),), backward=True))) <= most_with_backward


class Child(nn.Module):
    """Uses what it is given."""

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        return torch.tanh(x) * scale


class Parent(nn.Module):
    """Hands its own parameter and buffer to a child."""

    def __init__(self, child: nn.Module | None = None) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(8))
        self.register_buffer("shift", torch.ones(8))
        self.child = child or Child()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.child(self.child(x, self.scale), self.shift))


@pytest.mark.parametrize("is_shared", [False, True])
def test_parents_are_one_whether_they_share_their_child_or_not(*, is_shared: bool) -> None:
    child = Child() if is_shared else None
    model = nn.Sequential(*[Parent(child) for _ in range(24)])
    lines = lines_of(trace(model, (torch.ones(2, 8),)))
    body = lines[lines.index("forward Sequential") :]
    assert len(body) <= 20
    assert any("×23" in line or "×24" in line for line in body)


class Spectral(nn.Module):
    """Has one complex parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 4, dtype=torch.cfloat))
        self.layers = nn.Sequential(*[nn.Linear(4, 4) for _ in range(3)])

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layers((x.to(torch.cfloat) @ self.weight).real)
        return found


def test_a_complex_parameter_costs_its_own_lines_in_the_optimizer() -> None:
    model = Spectral()
    optimizer = torch.optim.Adam(model.parameters(), foreach=False)
    lines = lines_of(trace(model, (torch.ones(2, 4),), backward=True, optimizer=optimizer))
    assert any(line.startswith("    for each of 6 parameters, without weight") for line in lines)


class Loop(nn.Module):
    """One cell, called again and again on what it gave."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.cell = nn.Linear(4, 4)
        self.weight = nn.Parameter(torch.eye(4))

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.steps):
            x = torch.tanh(self.cell(x) @ self.weight)
        return x


def test_a_loop_of_five_steps_and_of_six_differ_in_one_line_of_the_body() -> None:
    five, six = (lines_of(trace(Loop(steps), (torch.ones(2, 4),))) for steps in (5, 6))
    body = [lines[lines.index("forward Loop") :] for lines in (five, six)]
    differing = [pair for pair in zip(*body, strict=True) if pair[0] != pair[1]]
    assert differing == [
        ("  repeat ×5, i = 1-5", "  repeat ×6, i = 1-6"),
        ("  return %tanh_4", "  return %tanh_5"),
    ]


class DenseLayer(nn.Module):
    """Reads what all layers before it gave."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(channels), nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, features: list[Tensor]) -> Tensor:
        found = self.conv1(torch.relu(self.norm1(torch.cat(features, 1))))
        found = self.conv2(torch.relu(self.norm2(found)))
        assert isinstance(found, Tensor)
        return found


class DenseNet(nn.Module):
    """The blocks and transitions of a DenseNet (arXiv:1608.06993), with *layers* in each block."""

    def __init__(self, layers: tuple[int, ...], channels: int = 64, growth: int = 32) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 7, stride=2, padding=3, bias=False)
        self.blocks, self.transitions = nn.ModuleList(), nn.ModuleList()
        for count in layers:
            self.blocks.append(nn.ModuleList([DenseLayer(channels + at * growth, growth) for at in range(count)]))
            channels = (channels + count * growth) // 2
            self.transitions.append(nn.Sequential(nn.ReLU(), nn.Conv2d(2 * channels, channels, 1), nn.AvgPool2d(2)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block, transition in zip(self.blocks, self.transitions, strict=True):
            features = [x]
            assert isinstance(block, nn.ModuleList)
            for layer in block:
                features.append(layer(features))
            x = transition(torch.cat(features, 1))
        return x


def test_a_densenet_of_121_layers_is_as_long_as_its_four_kinds_of_layers() -> None:
    model = DenseNet((6, 12, 24, 16)).eval()
    lines = lines_of(trace(model, (torch.ones(1, 3, 64, 64),)))
    assert len(lines) <= 150
    shorter = DenseNet((6, 12, 10, 16)).eval()
    assert len(lines_of(trace(shorter, (torch.ones(1, 3, 64, 64),)))) == len(lines)
