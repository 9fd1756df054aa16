"""Models that read images or sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.real import factories

if TYPE_CHECKING:
    from pytest_torchgraph.plugin.fixture import TorchGraph


def test_vit(torch_graph: TorchGraph) -> None:
    example = factories.vit()
    torch_graph.check(example.model, example.args, example.kwargs)


def test_clip(torch_graph: TorchGraph) -> None:
    example = factories.clip()
    torch_graph.check(example.model, example.args, example.kwargs)


def test_whisper(torch_graph: TorchGraph) -> None:
    example = factories.whisper()
    torch_graph.check(example.model, example.args, example.kwargs)
