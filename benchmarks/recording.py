"""What recording costs, as a ratio to a bare no-op dispatch mode in the same process.

    python -m benchmarks.recording          prints the tables and writes them to benchmarks/RESULTS.md

Every way to run a model takes its turn in every round, so that they share the machine's moods; the figure is the median
over rounds of the ratio within a round, in CPU time of one thread. The bare mode is the floor of dispatch-level tools.
"""

from __future__ import annotations

import gc
import platform
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import truediv
from typing import Any

import torch

from benchmarks import peers
from benchmarks.bare import Bare
from benchmarks.peers import works
from benchmarks.sections import put
from pytest_torchgraph import record
from pytest_torchgraph.capture.graph import freeze
from tests.models.example import Example
from tests.models.resnet import resnet50
from tests.real import factories

ROUNDS = 15
FEW_ROUNDS = 3
CUT = "RESULTS.md\n"
TOKENS = 64


class Counting(Bare):
    """The floor with a count by name."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[Any, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counts[func] = self.counts.get(func, 0) + 1
        return func(*args, **kwargs) if kwargs else func(*args)


@dataclass(frozen=True)
class Subject:
    """One model, what it is given, and the work that is measured: a call, or a whole training step."""

    name: str
    model: torch.nn.Module
    inputs: Any
    work: Callable[[], Any]


def under(mode: Callable[[], Any]) -> Callable[..., None]:
    """Work inside the context that *mode* makes."""

    def run(work: Callable[[], Any], _: torch.nn.Module, __: Any) -> None:
        with mode():
            work()

    return run


def plain(work: Callable[[], Any], _: torch.nn.Module, __: Any) -> None:
    """The work alone."""
    work()


def recorded(work: Callable[[], Any], model: torch.nn.Module, _: Any) -> None:
    """A full recording: operations, arguments, geometry, scopes, source lines, phases, live bytes."""
    with record(model):
        work()


OWN = {"plain": plain, "bare mode": under(Bare), "counting mode": under(Counting), "full recording": recorded}


def calls() -> Iterator[Subject]:
    """The models and sizes that the goals are set for, called without gradients."""
    for name, example in examples().items():
        yield Subject(name, example.model, example.args, partial(without_grad, example))


def steps() -> Iterator[Subject]:
    """The same models through a loss, a backward pass and a step of AdamW."""
    for name, example in examples().items():
        optimizer = torch.optim.AdamW(example.model.parameters(), foreach=True)
        yield Subject(name, example.model, example.args, partial(one_step, example, optimizer))


def examples() -> Mapping[str, Example]:
    """The models by the names they have in the tables."""
    return {
        "ResNet-50, 64 px": Example(resnet50().eval(), torch.randn(1, 3, 64, 64)),
        "GPT-2, 12 layers, width 256": one_row(factories.gpt2(12, 256, TOKENS)),
        "BERT, 12 layers, width 256": one_row(factories.bert(12, 256, TOKENS)),
    }


def one_row(example: Example) -> Example:
    """The same model on a batch of one."""
    if isinstance(example.args, Mapping):
        return Example(example.model, {name: value[:1] for name, value in example.args.items()})
    return Example(example.model, example.args[:1])


def output_of(example: Example) -> Any:
    """What the model returns."""
    return example.model(**example.args) if isinstance(example.args, Mapping) else example.model(example.args)


def without_grad(example: Example) -> None:
    """One call."""
    with torch.no_grad():
        output_of(example)


def one_step(example: Example, optimizer: torch.optim.Optimizer) -> None:
    """One training step."""
    output = output_of(example)
    tensor = output if isinstance(output, torch.Tensor) else output[0]
    tensor.float().square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()


def seconds(work: Callable[[], Any]) -> float:
    """CPU time of *work*."""
    before = time.process_time()
    work()
    return time.process_time() - before


def ratios(subject: Subject, tools: Mapping[str, Callable[..., None]], rounds: int) -> dict[str, str]:
    """Median ratio to the bare mode by tool, or why a tool does not run here."""
    failed = {name: works(tool, subject.work, subject.model, subject.inputs) for name, tool in tools.items()}
    times: dict[str, list[float]] = {name: [] for name, why in failed.items() if not why}
    for turn in range(rounds + 1):
        for name, spent in times.items():
            taken = seconds(partial(tools[name], subject.work, subject.model, subject.inputs))
            if turn:
                spent.append(taken)
    bare = times["bare mode"]
    return {name: failed[name] or f"{statistics.median(map(truediv, times[name], bare)):.2f}" for name in tools}


AFTER = ("operations", "freezing", "canonical", "log of one operation")


def after_the_run(subject: Subject) -> list[str]:
    """Operations, milliseconds from the log of a run to its graph and to its canonical graph, bytes an operation."""
    with record(subject.model) as recording:
        subject.work()
    run, graph = recording.log, recording.graph
    frozen = statistics.median(seconds(lambda: freeze(run)) for _ in range(5)) * 1e3
    settled = statistics.median(seconds(lambda: type(graph).canonical.func(graph)) for _ in range(5)) * 1e3
    return [str(len(graph.operations)), f"{frozen:.0f} ms", f"{settled:.0f} ms", f"{bytes_of_log(subject):.0f} B"]


def bytes_of_log(subject: Subject) -> float:
    """Memory of a recording for each operation, as Python allocates it."""
    gc.collect()
    tracemalloc.start()
    with record(subject.model) as recording:
        subject.work()
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / max(len(recording.log.log), 1)


def table(
    subjects: Iterable[Subject],
    tools: Mapping[str, Callable[..., None]],
    rounds: int,
    after: Callable[[Subject], list[str]] = after_the_run,
) -> list[str]:
    """One Markdown table; *after* gives the columns behind those of the tools."""
    columns = ["model", *tools, *(AFTER if after is after_the_run else [])]
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    for subject in subjects:
        row = ratios(subject, tools, rounds)
        lines.append("| " + " | ".join([subject.name, *row.values(), *after(subject)]) + " |")
        print(lines[-1], flush=True)
    return lines


def main(rounds: int = ROUNDS) -> None:
    """Print the tables and write them down."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    machine = f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, one thread"
    lines = [f"{machine}. {__doc__.split(CUT)[1].strip()}", ""]
    lines += ["## A call without gradients", "", *table(calls(), {**OWN, **peers.OF_A_CALL}, rounds), ""]
    lines += ["## A training step with AdamW", "", *table(steps(), {**OWN, **peers.OF_A_STEP}, rounds), ""]
    last = {"bare mode": OWN["bare mode"], "full recording": recorded, **peers.LEAVES_OBJECTS}
    lines += ["## A call without gradients, with a tool that leaves much behind", ""]
    lines += [*table(calls(), last, FEW_ROUNDS, after=lambda _: []), ""]
    put("What recording costs", lines)


if __name__ == "__main__":
    main()
