"""Long recordings tell how far they are: on a terminal, after two seconds, and nowhere else."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph import record, trace
from pytest_torchgraph.capture import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class FakeTime:
    """A clock that only waiting moves on; the end comes after *seconds*."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds = 0.0, seconds

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.now = min(self.now + timeout, self.seconds)
        return self.now >= self.seconds

    def clock(self) -> float:
        return self.now


def told(seconds: float) -> str:
    terminal, time = Terminal(), FakeTime(seconds)
    progress.tell(terminal, lambda: (int(time.now * 1000), "layers.3.attn"), time, time.clock)
    return terminal.getvalue()


def test_under_two_seconds_nothing_is_shown() -> None:
    assert told(1.9) == told(2.0) == ""


def test_after_two_seconds_operations_module_and_time_are_shown_and_taken_back() -> None:
    text = told(4.2)
    shown = [part.partition(progress.ERASE)[0].strip() for part in text.split(progress.WITHOUT_WRAP)[1:]]
    assert shown[0] == "recording: 2,000 operations, in layers.3.attn, 2 s"
    assert shown[-1] == "recording: 4,000 operations, in layers.3.attn, 4 s"
    assert len(shown) == 5
    assert text.endswith(progress.RESTORE + progress.ERASE)
    assert "\n" not in text


def test_the_model_itself_has_no_path_and_a_name_cannot_steer_the_terminal() -> None:
    assert progress.line(7, "", 3.2) == "recording: 7 operations, 3 s"
    assert progress.line(1, "", 3.2) == "recording: 1 operation, 3 s"
    assert progress.line(7, "a\x1b[2J", 3.2) == "recording: 7 operations, 3 s"


class Slow(nn.Module):
    def __init__(self, see: Callable[[Any], None]) -> None:
        super().__init__()
        self.see = see
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        self.see([thread.name for thread in threading.enumerate()])
        threading.Event().wait(0.3)
        return x


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.05)
    monkeypatch.setattr(progress, "EVERY", 0.05)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.usefixtures("quick")
def test_a_trace_and_a_record_block_tell_on_the_terminal_and_end_with_it() -> None:
    terminal, seen = Terminal(), list[Any]()
    with progress.shown_on(terminal):
        graph = trace(Slow(seen.append), torch.ones(2, 4))
        assert "operations, in layer, 0 s" in terminal.getvalue()
        with record() as recording:
            Slow(seen.append)(torch.ones(2, 4))
    assert terminal.getvalue().count(progress.RESTORE + progress.ERASE) >= 2
    assert "torchgraph-progress" in seen[0]
    assert "torchgraph-progress" not in [thread.name for thread in threading.enumerate()]
    assert graph.op_counts["aten.addmm"] == recording.graph.op_counts["aten.addmm"] == 1


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", ["pipe", "dumb", "closed"])
def test_without_a_terminal_nothing_is_written_and_no_thread_runs(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal() if kind == "dumb" else io.StringIO()
    if kind == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    if kind == "closed":
        stream.close()
    seen: list[Any] = []
    with progress.shown_on(stream):
        trace(Slow(seen.append), torch.ones(2, 4))
    assert "torchgraph-progress" not in seen[0]
    assert kind == "closed" or stream.getvalue() == ""


@pytest.fixture
def gone() -> Iterator[Any]:
    """A terminal whose other end is closed."""
    other, own = os.openpty()
    os.close(other)
    with os.fdopen(own, "w") as stream:
        yield stream


@pytest.mark.usefixtures("quick")
def test_a_terminal_that_is_gone_and_a_model_that_raises_end_the_telling(gone: Any) -> None:
    with progress.shown_on(gone):
        trace(Slow(print), torch.ones(2, 4))
    with progress.shown_on(Terminal()), pytest.raises(RuntimeError):
        trace(Slow(print), torch.ones(2, 5))
    assert "torchgraph-progress" not in [thread.name for thread in threading.enumerate()]


def test_the_line_says_what_is_done() -> None:
    assert progress.line(1, "", 3.2, "writing") == "writing: 1 operation, 3 s"
