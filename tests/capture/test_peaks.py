"""The peak of a step equals a count that knows nothing of the recorder, to the byte."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts

from pytest_torchgraph import trace
from tests.capture.live_bytes import peak_of_step
from tests.capture.small import example

Run = Callable[[nn.Module, Tensor], Tensor]
WIDTH = 16


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(torch.tanh(self.up(x)).mul(2).sigmoid())


class Stack(nn.Module):
    """Blocks that are run by *run*."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.embed = nn.Linear(WIDTH, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(4))
        self.run = run

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for block in self.blocks:
            x = self.run(block, x)
        return x.pow(2)


def plain(block: nn.Module, x: Tensor) -> Tensor:
    return block(x)


def selective(block: nn.Module, x: Tensor) -> Tensor:
    contexts = partial(create_selective_checkpoint_contexts, [torch.ops.aten.addmm.default])
    return checkpoint(block, x, use_reentrant=False, context_fn=contexts)


def nested(block: nn.Module, x: Tensor) -> Tensor:
    def inner(x: Tensor) -> Tensor:
        return checkpoint(block, x, use_reentrant=False)

    return checkpoint(lambda x: inner(inner(x)), x, use_reentrant=False)


def failing(block: nn.Module, x: Tensor) -> Tensor:
    try:
        made = block(x)
        return made + made.new_ones(3)
    except RuntimeError:
        return block(x)


def failing_in_a_module(block: nn.Module, x: Tensor) -> Tensor:
    class Raises(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            made = block(x)
            raise KeyError(made.shape)

    try:
        return Raises()(x)
    except KeyError:
        return block(x) * 2


RUNS: dict[str, Run] = {
    "plain": plain,
    "non-reentrant": partial(checkpoint, use_reentrant=False),
    "reentrant": partial(checkpoint, use_reentrant=True),
    "selective": selective,
    "nested": nested,
    "failing": failing,
    "failing in a module": failing_in_a_module,
}


@pytest.mark.parametrize("name", RUNS)
def test_the_peak_of_a_step_equals_an_independent_count(name: str) -> None:
    model, x = Stack(RUNS[name]), example(32, WIDTH)
    peak_of_step(model, x)  # what PyTorch imports and caches in a first call
    assert trace(model, x, backward=torch.sum).memory.peak == peak_of_step(model, x)


def test_a_checkpointed_step_has_the_same_peak_in_a_fresh_process() -> None:
    code = """
    import torch
    from functools import partial
    from pytest_torchgraph import trace
    from tests.capture.test_peaks import RUNS, Stack, WIDTH
    model, x = Stack(RUNS["reentrant"]), torch.ones(32, WIDTH)
    peaks = [trace(model, x, backward=torch.sum).memory.peak for _ in range(2)]
    assert peaks[0] == peaks[1], peaks
    """
    subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], check=True, timeout=120)


def test_an_import_inside_the_model_keeps_nothing_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "caught.py").write_text(
        "def f():\n    try:\n        raise KeyError\n    except KeyError as error:\n        kept = error\nf()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def importing(x: Tensor) -> Tensor:
        def inner() -> Tensor:
            made = x * 2
            __import__("caught")
            return made.sum()

        return inner() + x.mul(3).mul(3).sum()

    first, second = (trace(importing, example(64, 64)).memory.timeline for _ in range(2))
    assert first == second


def test_the_error_is_placed_where_it_was_raised_though_another_was_caught_before() -> None:
    def placed(model: nn.Module) -> str:
        with pytest.raises(RuntimeError) as raised:
            trace(model, example(2, WIDTH))
        return raised.value.__notes__[0] if hasattr(raised.value, "__notes__") else ""

    class Fails(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x @ x

    class Catches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = Fails(), Fails()

        def forward(self, x: Tensor) -> Tensor:
            try:
                return self.first(x)
            except RuntimeError:
                return self.second(x)

    assert "in second (Fails), in operation aten.mm.default" in placed(Catches())
