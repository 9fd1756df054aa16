"""What every test starts from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from pytest_torchgraph.canonical import building
from pytest_torchgraph.canonical.checking import check
from pytest_torchgraph.canonical.program import Program
from pytest_torchgraph.capture import folded as room
from pytest_torchgraph.capture.graph import Run, freeze
from pytest_torchgraph.snapshot import reader

# Libraries of models would otherwise ask a hub for what the tests make themselves.
os.environ["HF_HUB_OFFLINE"] = "1"

# How long an example takes is the machine's affair, which others may share.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(autouse=True, scope="session")
def what_equal_layers_tell_is_so() -> Iterator[None]:
    """Wherever a check passes because equal layers, worked out once, are those of the snapshot, the whole graph is."""
    plain = room.folded

    def folded(run: Run, expected: Program | None = None) -> Program | None:
        told = plain(run, expected)
        if expected is not None and told == expected:
            assert freeze(run).canonical == expected
        return told

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "folded", folded)
        yield


@pytest.fixture(autouse=True, scope="session")
def every_program_holds_together() -> Iterator[None]:
    """Whatever is built of a run or read from a file in a test is checked."""
    parsed = reader._parsed

    def built(**given: Any) -> Program:
        return check(Program(**given))

    def read(*given: Any) -> reader.Snapshot:
        snapshot = parsed(*given)
        check(snapshot.program)
        return snapshot

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "Program", built)
        patch.setattr(reader, "_parsed", read)
        yield
