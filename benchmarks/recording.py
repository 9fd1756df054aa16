"""What recording costs, as a ratio to a bare no-op dispatch mode in the same process.

    python -m benchmarks.recording

Every way to run a model takes its turn in every round, so that they share the machine's moods; the figure is the median
over rounds of the ratio within a round, in CPU time of one thread. The bare mode is the floor of dispatch-level tools.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from pytest_torchgraph.capture.freezing import freeze
from pytest_torchgraph.capture.recording import record, trace
from tests.models.example import Example
from tests.models.resnet import resnet50
from tests.real import factories

ROUNDS = 25
TOKENS = 64


class Bare(TorchDispatchMode):
    """The floor: every operation goes through Python, and nothing is noted."""

    supports_higher_order_operators = True

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **kwargs) if kwargs else func(*args)


class Counting(Bare):
    """The floor with a count by name."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[Any, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counts[func] = self.counts.get(func, 0) + 1
        return func(*args, **kwargs) if kwargs else func(*args)


@dataclass(frozen=True)
class Way:
    """One way to run a model, by the name it has in the table."""

    name: str
    run: Callable[[Callable[[], Any], Any], Any]


def under(mode: Callable[[], Any]) -> Callable[[Callable[[], Any], Any], Any]:
    """Run the model inside the context that *mode* makes."""

    def run(call: Callable[[], Any], _: Any) -> None:
        with mode():
            call()

    return run


def recorded(call: Callable[[], Any], model: Any) -> None:
    """A full recording: operations, arguments, geometry, scopes, source lines, live bytes."""
    with record(model):
        call()


WAYS = (
    Way("plain", lambda call, _: call()),
    Way("bare mode", under(Bare)),
    Way("counting mode", under(Counting)),
    Way("full recording", recorded),
    Way("FlopCounterMode", under(lambda: FlopCounterMode(display=False))),
)


def examples() -> Mapping[str, Example]:
    """The models and sizes that the goals are set for."""
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


def call_of(example: Example) -> Callable[[], Any]:
    """The plain call of an example."""
    if isinstance(example.args, Mapping):
        return lambda: example.model(**example.args)
    return lambda: example.model(example.args)


def seconds(work: Callable[[], Any]) -> float:
    """CPU time of *work*."""
    before = time.process_time()
    work()
    return time.process_time() - before


def ratios(example: Example) -> dict[str, float]:
    """Median ratio to the bare mode, by way."""
    call = call_of(example)
    times: dict[str, list[float]] = {way.name: [] for way in WAYS}
    with torch.no_grad():
        for turn in range(ROUNDS + 2):
            for way in WAYS:
                spent = seconds(lambda way=way: way.run(call, example.model))
                if turn >= 2:
                    times[way.name].append(spent)
    bare = times["bare mode"]
    return {
        name: statistics.median(one / floor for one, floor in zip(spent, bare, strict=True))
        for name, spent in times.items()
    }


def after_the_run(example: Example) -> str:
    """Milliseconds from the log of a run to its graph, and to its canonical graph."""
    with torch.no_grad():
        graph = trace(example.model, example.args)
        with record(example.model) as recording:
            call_of(example)()
    run = recording.log
    frozen = statistics.median(seconds(lambda: freeze(run)) for _ in range(9)) * 1e3
    settled = statistics.median(seconds(lambda: type(graph).canonical.func(graph)) for _ in range(9)) * 1e3
    return f"{len(graph.operations)} operations | {frozen:.1f} ms | {settled:.1f} ms"


def main() -> None:
    """Print one table."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, one thread\n")
    print("| model | " + " | ".join(way.name for way in WAYS) + " | operations | freezing | canonical |")
    print("|---" * (len(WAYS) + 4) + "|")
    for name, example in examples().items():
        row = ratios(example)
        print(f"| {name} | " + " | ".join(f"{row[way.name]:.2f}" for way in WAYS) + f" | {after_the_run(example)} |")


if __name__ == "__main__":
    main()
