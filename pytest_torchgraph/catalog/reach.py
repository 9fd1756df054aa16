"""Which dispatcher operations an API call reaches: learnt by running it on sample inputs, kept as a table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from pytest_torchgraph.quick import dataclass
from pytest_torchgraph.words.counting import times

FILE = "reach.json"


@dataclass(frozen=True, slots=True)
class Reached:
    """One API call: how many samples ran, and in how many of them each operation was reached.

    ``operations`` has names without overload, the most frequent first. An operation in some of the samples depends on
    the arguments: it is one of several paths.
    """

    name: str
    samples: int
    operations: Mapping[str, int]

    @property
    def always(self) -> tuple[str, ...]:
        """The operations of every sample."""
        return tuple(name for name, count in self.operations.items() if count == self.samples)

    @property
    def sometimes(self) -> tuple[str, ...]:
        """The operations of some samples."""
        return tuple(name for name, count in self.operations.items() if count < self.samples)


@dataclass(frozen=True, slots=True)
class Table:
    """The calls that were run, by name, and the PyTorch that ran them on the CPU."""

    torch: str
    calls: tuple[Reached, ...]

    def of(self, name: str) -> Reached | None:
        """What the call *name* (``torch.nn.functional.relu``) reached; ``None`` where it was not run."""
        return next((call for call in self.calls if call.name == name), None)

    def calls_that_reach(self, operation: str) -> tuple[str, ...]:
        """The API calls that lead to *operation* (``aten.addmm``), in some sample or in all."""
        return tuple(call.name for call in self.calls if operation in call.operations)


def learn(
    torch: str,
    samples: Iterable[tuple[str, Callable[[], Any]]],
    observe: Callable[[Callable[[], Any]], Iterable[str]],
) -> Table:
    """Run every sample; *observe* runs one and names the operations that it reached. What raises is left out."""
    runs: Counter[str] = Counter()
    seen: dict[str, Counter[str]] = {}
    for name, run in samples:
        try:
            operations = set(observe(run))
        except Exception:  # noqa: BLE001, S112  some samples need what this machine or build does not have
            continue
        runs[name] += 1
        seen.setdefault(name, Counter()).update(operations)
    calls = (Reached(name, runs[name], ordered(seen[name])) for name in sorted(seen))
    return Table(torch, tuple(calls))


def ordered(counts: Counter[str]) -> dict[str, int]:
    """*counts*, the most frequent first, then by name."""
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def described(call: Reached) -> Iterator[str]:
    """*call* as a line or two: what every sample reaches, and what depends on the arguments."""
    always = f" {', '.join(call.always)}" if call.always else "" if call.sometimes else " no operation"
    yield f"{call.name} reaches{always} ({times(call.samples, 'sample')})"
    if call.sometimes:
        told = (f"{name} ({call.operations[name]} of {call.samples})" for name in call.sometimes)
        yield f"    by its arguments: {', '.join(told)}"


def to_json(table: Table) -> str:
    """*table* as text, one call a line."""
    lines = (
        f"  {json.dumps(call.name)}: {json.dumps({'samples': call.samples, 'operations': call.operations})}"
        for call in table.calls
    )
    return f'{{\n "torch": {json.dumps(table.torch)},\n "calls": {{\n' + ",\n".join(lines) + "\n }\n}\n"


def from_json(text: str) -> Table:
    """The table that :func:`to_json` wrote."""
    found = json.loads(text)
    calls = (Reached(name, call["samples"], call["operations"]) for name, call in found["calls"].items())
    return Table(found["torch"], tuple(calls))


@cache
def stored_table() -> Table:
    """The table that comes with this package."""
    return from_json(resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
