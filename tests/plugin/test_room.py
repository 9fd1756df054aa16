"""A check runs, compares and explains where its frames have room, however deep in the stack it is called."""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

import torch

from pytest_torchgraph.plugin import fixture
from pytest_torchgraph.recorded.room import roomy

if TYPE_CHECKING:
    import pytest


def test_a_check_compares_and_explains_where_its_frames_have_room(
    torch_graph: fixture.TorchGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[CodeType] = []

    def check(*given: Any) -> Any:
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            found.append(frame.f_code)
            frame = frame.f_back
        return given[3]

    monkeypatch.setattr(fixture, "check", check)
    torch_graph.check(torch.relu, torch.ones(2), compare="budget", budget={"ops": 1})
    assert roomy.__code__ in found
