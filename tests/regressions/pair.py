"""A pair: one model before and after a change that leaves its numbers as they were.

Every file in ``drift/`` and ``harmless/`` has ``before()`` and ``after()``, which build a :class:`Run`, and ``TOLD``:
what must be said of the change. ``WITHIN`` is what both run inside of, where that must be something. A comment
``# here`` marks the source lines that the report must name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module
from operator import itemgetter
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pytest_torchgraph import compare, trace
from pytest_torchgraph.capture.binding import tensors_in
from pytest_torchgraph.comparison import Comparison
from pytest_torchgraph.graph import Graph
from pytest_torchgraph.report.outline import Outline, Row
from pytest_torchgraph.words.status import Judged

FOLDER = Path(__file__).parent
MARK = "# here"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A model, its inputs, and what follows its call; ``grad`` is the mode that the caller is in.

    ``warmup`` runs come before the one that is recorded.
    """

    model: Callable[..., Any]
    args: Any = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    backward: Callable[[Any], Tensor] | None = None
    optimizer: Any = None
    grad: bool = True
    warmup: int = 1


@dataclass(frozen=True, kw_only=True)
class Told:
    """What must be said of a change: the cause of the one that matters, and the modules that it is in.

    ``cause`` is empty where only what changed is said. ``atol`` bounds how far the numbers of both sides may lie apart;
    ``gradients`` is false where the change is that they differ: then only outputs are equal.
    """

    cause: str = ""
    module: str = ""
    status: Judged = "drift"
    atol: float = 1e-6
    gradients: bool = True


@dataclass(frozen=True)
class Pair:
    """One file of pairs by its name, and what came of it; each side is built and run once."""

    name: str
    before: Callable[[], Run]
    after: Callable[[], Run]
    told: Told
    marked: tuple[str, ...] = ()
    within: Callable[[], AbstractContextManager[None]] = nullcontext

    @cached_property
    def comparison(self) -> Comparison:
        """The two sides recorded and judged."""
        return compare(*self.graphs)

    @cached_property
    def graphs(self) -> tuple[Graph, Graph]:
        """Both sides recorded."""
        return self.graph_of(self.before), self.graph_of(self.after)

    def graph_of(self, side: Callable[[], Run]) -> Graph:
        """The steady state of one side."""
        with self.within():
            run = _built(side)
            options: dict[str, Any] = {"warmup": run.warmup, "backward": run.backward, "optimizer": run.optimizer}
            with torch.set_grad_enabled(run.grad):
                return trace(run.model, run.args, run.kwargs, **options)

    @cached_property
    def reverse(self) -> Comparison:
        """The two sides judged the other way round."""
        return compare(*reversed(self.graphs))

    def numbers_of(self, side: Callable[[], Run]) -> list[Tensor]:
        """Outputs, then the parameters and gradients that a training step leaves."""
        with self.within():
            return _numbers_of(_built(side), gradients=self.told.gradients)

    @property
    def outline(self) -> Outline:
        """The report as a failing test would give it."""
        return self._outline(self.comparison)

    @property
    def outline_back(self) -> Outline:
        """The report of the way back."""
        return self._outline(self.reverse)

    def _outline(self, comparison: Comparison) -> Outline:
        command = f"pytest test_model.py::test_{self.name} --torchgraph-update"
        return comparison.outline(f"test_model.py::test_{self.name}", command if comparison.drifted else "")

    def lines_of(self, row: Row) -> tuple[str, ...]:
        """The lines of the pair's own file that *row* names, ``file.py:3``."""
        return tuple(line for line in _lines(row.source) if line.startswith(f"{self.name}.py:"))


@cache
def pairs_in(folder: str) -> dict[str, Pair]:
    """Every pair of *folder* by name."""
    files = sorted(path for path in (FOLDER / folder).glob("*.py") if path.stem != "__init__")
    return {path.stem: _pair(path, import_module(f"{__package__}.{folder}.{path.stem}")) for path in files}


def _pair(path: Path, module: Any) -> Pair:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    marked = tuple(f"{path.name}:{number}" for number, line in lines if line.endswith(MARK))
    within = getattr(module, "WITHIN", nullcontext)
    return Pair(path.stem, module.before, module.after, module.TOLD, marked, within)


def _built(side: Callable[[], Run]) -> Run:
    torch.manual_seed(0)
    return side()


def _numbers_of(run: Run, *, gradients: bool) -> list[Tensor]:
    args = run.args if isinstance(run.args, tuple) else (run.args,)
    with torch.set_grad_enabled(run.grad):
        output = run.model(*args, **run.kwargs)
        if run.backward is not None:
            run.backward(output).backward()
        if run.optimizer is not None:
            run.optimizer.step()
    found = [tensor for _, tensor in tensors_in(output)]
    held = [*_parameters(run.model)] if run.backward and gradients else []
    return [tensor.detach().float() for tensor in [*found, *held]]


def _parameters(model: Any) -> Iterator[Tensor]:
    """Parameters by name, each with its gradient."""
    named = model.named_parameters() if isinstance(model, nn.Module) else ()
    for _, parameter in sorted(named, key=itemgetter(0)):
        yield parameter
        if parameter.grad is not None:
            yield parameter.grad


def require_equal_numbers(pair: Pair) -> None:
    """Both sides compute the same."""
    before, after = pair.numbers_of(pair.before), pair.numbers_of(pair.after)
    assert before, "a pair that returns nothing proves nothing"
    torch.testing.assert_close(after, before, rtol=0, atol=pair.told.atol)


def require_told(pair: Pair) -> None:
    """The change that matters is found, and its cause, modules and source line are right."""
    told, verdict = pair.told, pair.comparison.verdict
    assert verdict.status == told.status
    if told.status == "same":
        return
    assert verdict.findings[0].cause == told.cause
    rows = pair.outline.sections[0].rows
    assert (rows[0].scope if rows else "") == told.module
    first, *_ = [*map(pair.lines_of, rows[:1]), ()]
    named = {line for row in rows if row.scope == rows[0].scope for line in pair.lines_of(row)}
    assert set(first) <= set(pair.marked) <= named


def _lines(sources: str) -> Iterator[str]:
    """``near a.py:3,5, b.py:1`` as one file and line each."""
    name = ""
    for part in sources.replace("near ", "").replace(", ", ",").split(","):
        name, _, number = part.rpartition(":") if ":" in part else (name, "", part)
        yield f"{name}:{number}"
