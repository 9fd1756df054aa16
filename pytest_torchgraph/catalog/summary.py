"""The catalogue as text: a page for the terminal, and a folder of lists."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import fill
from typing import Protocol

from pytest_torchgraph.catalog import stored
from pytest_torchgraph.catalog.entry import ApiEntry, Catalogue, OperatorEntry

FILES = {"torch.nn.functional": "F", "torch.Tensor": "tensor"}
DISPATCHER = "dispatcher_operations.txt"
UNKNOWN = "(signature unknown)"
TRAITS = (
    ("composite", "is_composite"),
    ("decomposition", "has_decomposition"),
    ("FLOP formula", "has_flop_formula"),
    ("meta kernel", "has_meta"),
)


class Collector(Protocol):
    """What a summary needs of a ``PyTorchOperationCollector``."""

    @property
    def catalogue(self) -> Catalogue:
        """All that was found."""
        ...

    def get_function_count(self) -> int:
        """How many functions there are when aliases count once."""
        ...


class PyTorchOperationSummarizer:
    """Says what a ``PyTorchOperationCollector`` has found."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector

    def summary(self) -> str:
        """Counts by namespace and kind, and what is known of the dispatcher's operators."""
        return "\n".join([*self._api_lines(), "", *operator_lines(self.collector.catalogue.operators.values())]) + "\n"

    def print_summary(self) -> None:
        """Write :meth:`summary` to the console."""
        sys.stdout.write(self.summary())

    def export_full_summary(self, folder: str | Path) -> list[Path]:
        """Write ``summary.txt``, one list for each namespace and for the dispatcher, and all of it as JSON.

        Returns the files that were written. Raises ``OSError`` where *folder* cannot be made.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        texts = {"summary.txt": self.summary()}
        for namespace, entries in self.collector.catalogue.api.items():
            texts[file_name(namespace)] = listing(f"{namespace} operations", map(described, entries.values()))
        operators = self.collector.catalogue.operators.values()
        texts[DISPATCHER] = listing("dispatcher operations", map(operator_described, operators))
        texts[stored.FILE] = stored.to_json(self.collector.catalogue)
        for name, text in texts.items():
            (target / name).write_text(text, encoding="utf-8")
        return [target / name for name in texts]

    def _api_lines(self) -> Iterator[str]:
        api = self.collector.catalogue.api
        yield f"PyTorch {self.collector.catalogue.torch}"
        yield ""
        yield f"{'namespace':<22}{'callables':>10}{'in-place':>10}{'dunder':>8}{'built-in':>10}{'no signature':>14}"
        for namespace, entries in api.items():
            flags = Counter(flag for entry in entries.values() for flag in entry.flags)
            unknown = sum(entry.signature is None for entry in entries.values())
            named = f"{flags['in-place']:>10}{flags['dunder']:>8}{flags['built-in']:>10}"
            yield f"{namespace:<22}{len(entries):>10}{named}{unknown:>14}"
        total = sum(map(len, api.values()))
        yield f"{'all':<22}{total:>10}, {self.collector.get_function_count()} without aliases"


def operator_lines(operators: Iterable[OperatorEntry]) -> Iterator[str]:
    """Counts of the dispatcher's operators and overloads."""
    known = list(operators)
    overloads = [overload for operator in known for overload in operator.overloads]
    apart = sum(not operator.reaches_dispatcher for operator in known)
    yield f"dispatcher: {len(known)} operators, {apart} of them always taken apart before; {len(overloads)} overloads"
    namespaces = Counter(operator.namespace for operator in known)
    counts = ", ".join(f"{name} {count}" for name, count in namespaces.most_common())
    yield fill(counts, 110, initial_indent="  ", subsequent_indent="  ")
    for word, trait in TRAITS:
        yield f"  {word:<16}{sum(getattr(overload, trait) for overload in overloads):>6} overloads"
    for word, count in sorted(Counter(overload.autograd for overload in overloads).items()):
        yield f"  {'autograd: ' + word:<22}{count:>6} overloads"


def file_name(namespace: str) -> str:
    """``torch_operations.txt``, ``F_operations.txt``, ``linalg_operations.txt``."""
    return f"{FILES.get(namespace, namespace.rpartition('.')[2])}_operations.txt"


def listing(title: str, blocks: Iterable[str]) -> str:
    """One file of entries."""
    return f"{title}\n{'=' * len(title)}\n\n" + "\n".join(blocks) + "\n"


def described(entry: ApiEntry) -> str:
    """One callable: how it is called, then what is known of it."""
    lines = [f"{entry.name}{signature}" for signature in entry.signatures] or [f"{entry.name} {UNKNOWN}"]
    words = [entry.kind, *entry.flags]
    words += [f"signature from {entry.signature_source}"] if entry.signatures else []
    relations = (("alias of", entry.alias_of), ("method of", entry.method_of), ("in-place", entry.in_place_of))
    words += [f"{word} {name}" for word, name in relations if name]
    return "\n".join([*lines, f"    {', '.join(words)}"])


def operator_described(operator: OperatorEntry) -> str:
    """One operator: its overloads, and what is registered for each."""
    lines = []
    for overload in operator.overloads:
        words = [word for word, trait in TRAITS if getattr(overload, trait)]
        words += [f"autograd {overload.autograd}"]
        words += [f"writes {', '.join(overload.writes)}"] if overload.writes else []
        words += [f"result shares {', '.join(overload.aliases)}"] if overload.aliases else []
        words += [f"tags {', '.join(overload.tags)}"] if overload.tags else []
        lines += [overload.schema, f"    {'; '.join(words)}"]
    return "\n".join(lines)
