"""The main screens look as they did when somebody looked at them; ``--snapshot-update`` takes them anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

from pytest_torchgraph import trace
from pytest_torchgraph.explorer.app import Explorer
from pytest_torchgraph.explorer.config import ExplorerConfig
from pytest_torchgraph.explorer.loading import Job, Source
from pytest_torchgraph.explorer.pair import of_pair
from pytest_torchgraph.explorer.review import Review
from pytest_torchgraph.explorer.sources import last, of_snapshot
from pytest_torchgraph.explorer.subject import Subject
from pytest_torchgraph.explorer.waiting import Entry
from pytest_torchgraph.snapshot.reader import Snapshot, read
from pytest_torchgraph.snapshot.writer import write
from tests.explorer.running import loaded
from tests.explorer.small import Layer, tower

if TYPE_CHECKING:
    from textual.pilot import Pilot

RECORDED = "torch 2.13.0, python 3.11, linux x86_64, flops 20480 (not compared)"
Same = Callable[..., bool]


class Copied(Layer):
    """A layer that copies what it is given, and has another activation."""

    def forward(self, x: Tensor) -> Tensor:
        return x.clone() + self.down(torch.tanh(self.up(self.norm(x))))


def source(name: str) -> Source:
    """A tower as its file tells it; one with *changed* layers."""

    def read_file() -> Snapshot:
        model, tokens = tower()
        if name == "after":
            model.layers[1] = Copied()
            model.layers.append(Copied())
        text = write(trace(model, tokens, backward=True).canonical, test="tests/test_tower.py::test", recorded=RECORDED)
        return read(text)

    return of_snapshot(read_file, f"{name}.torchgraph")


def keys(*pressed: str) -> Callable[[Pilot[Any]], Any]:
    async def press(pilot: Pilot[Any]) -> None:
        assert isinstance(pilot.app, Explorer)
        await loaded(pilot.app, pilot)
        await pilot.press(*pressed)
        await pilot.pause()

    return press


SCREENS = {
    "tree": (("3", "j", "j", "j"), (80, 24), "dark"),
    "tree_wide": (("3", "j", "j", "j", "tab"), (160, 44), "dark"),
    "light": (("3", "j", "j", "tab", "tab", "tab", "tab"), (120, 30), "light"),
    "search": (("slash", *"linear up"), (100, 30), "dark"),
    "help": (("question_mark",), (100, 40), "dark"),
}


@pytest.mark.parametrize("name", SCREENS)
def test_a_file_looks_as_it_did(name: str, snap_compare: Same) -> None:
    pressed, size, scheme = SCREENS[name]
    app = Explorer(source("tower"), ExplorerConfig(color_scheme=scheme))
    assert snap_compare(app, terminal_size=size, run_before=keys(*pressed))


def test_two_files_look_as_they_did(snap_compare: Same) -> None:
    def stages(job: Job) -> Iterator[Subject]:
        # The words of findings change with their causes, and have tests of their own.
        yield of_pair(last(source("before").stages(job)), last(source("after").stages(job)), None)

    app = Explorer(Source("before and after", stages))
    assert snap_compare(app, terminal_size=(140, 40), run_before=keys("tab", "2"))


class Waits:
    """Two changes that wait."""

    def entries(self) -> list[Entry]:
        told = ("change 3f2a91c0: 212 tests, +4 aten.clone (0 -> 4)", "  for example tests/test_a.py::test_a")
        hint = "  hint: a transposed or sliced view is copied [extra-copy]"
        first = Entry(fingerprint="3f2a91c0", title="+4 aten.clone (0 -> 4)", lines=(*told, hint), tests=("a",) * 212)
        other = Entry(fingerprint="77aa0123", title="peak 24.0 MiB -> 26.0 MiB", lines=("change",), tests=("b",))
        return [first, other]

    def accept(self, fingerprints: frozenset[str]) -> str:
        return f"accepted {fingerprints}"

    def reject(self, fingerprints: frozenset[str]) -> str:
        return f"rejected {fingerprints}"

    def whole_diff(self, fingerprint: str, number: int) -> str:
        return f"{fingerprint} {number}"

    def notes(self) -> list[str]:
        return ["environment: torch 2.13.0 -> 2.14.0 (212 of the snapshots)"]


def test_a_review_looks_as_it_did(snap_compare: Same) -> None:
    assert snap_compare(Review(Waits()), terminal_size=(100, 24), press=["j", "k"])
