"""``torchgraph ops``: the operations of the installed PyTorch."""

from __future__ import annotations

import json
import warnings
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_torchgraph.cli.exits import DRIFT, SAME, Wrong
from pytest_torchgraph.cli.streams import put, say
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

    from pytest_torchgraph.catalog.operations import PyTorchOperationCollector
    from pytest_torchgraph.catalog.reach import Table
    from pytest_torchgraph.diff.catalogues import Difference
    from pytest_torchgraph.diff.nested import Differing

T = TypeVar("T")
NAME = "torch.add, F.relu, Tensor.add_, aten.add, or the last part of it"


def register(verbs: Any) -> None:
    """Add the verb and what can be asked of it."""
    ops = verbs.add_parser("ops", help="list the operations of the installed PyTorch")
    asked = ops.add_subparsers(metavar="WHAT", required=True)

    parser = asked.add_parser("list", help="print the names of all operations")
    parser.add_argument("--namespace", metavar="NAME", help="only these: torch, torch.Tensor, aten, …")
    parser.add_argument("--all", action="store_true", help="with private names, classes and what torch only imports")
    parser.set_defaults(run=run_list)

    parser = asked.add_parser("show", help="print all that is known of one operation")
    parser.add_argument("name", metavar="NAME", help=NAME)
    parser.set_defaults(run=run_show)

    parser = asked.add_parser("summary", help="print how many there are")
    parser.set_defaults(run=run_summary)

    parser = asked.add_parser("export", help="write lists and JSON to a folder")
    parser.add_argument("folder", metavar="FOLDER", help="is made where it is not there")
    parser.set_defaults(run=run_export)

    parser = asked.add_parser("diff", help="compare two exports; exit code 0 same, 1 different")
    parser.add_argument("before", metavar="A", help="a folder that an export wrote")
    parser.add_argument("after", metavar="B", help="what it is compared with")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="text by default")
    parser.set_defaults(run=run_diff)

    parser = asked.add_parser("reach", help="run API calls on sample inputs, and print what they reach")
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these calls; all of them takes a minute")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the table as JSON instead")
    parser.set_defaults(run=run_reach)


@contextmanager
def torch_needed() -> Iterator[None]:
    """Say what to install where PyTorch is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise Wrong("PyTorch is not installed in this environment; its operations are read from it") from None


def collected(*, everything: bool = False) -> PyTorchOperationCollector:
    """The catalogue of the installed PyTorch; with *everything*, also of what is no operation."""
    with torch_needed():
        from pytest_torchgraph.catalog.operations import PyTorchOperationCollector
    return PyTorchOperationCollector(everything=everything)


def run_list(arguments: argparse.Namespace) -> int:
    """Print one full name a line."""
    from pytest_torchgraph.catalog.search import full_namespace, like

    collector = collected(everything=arguments.all)
    names = {
        namespace: [entry.full_name for entry in entries.values() if arguments.all or entry.is_public_operation]
        for namespace, entries in collector.all_operations.items()
    }
    for operator in collector.operators.values():
        if arguments.all or not operator.name.startswith("_"):
            names.setdefault(operator.namespace, []).append(operator.full_name)
    if arguments.namespace is not None:
        asked = full_namespace(arguments.namespace)
        if asked not in names:
            raise Wrong(f"there is no namespace {arguments.namespace!r}{like(arguments.namespace, names)}")
        names = {asked: names[asked]}
    say("".join(f"{name}\n" for of_namespace in names.values() for name in of_namespace))
    return SAME


def run_show(arguments: argparse.Namespace) -> int:
    """Print every entry of that name."""
    from pytest_torchgraph.catalog.search import explained

    try:
        say(explained(collected(everything=True).catalogue, arguments.name))
    except LookupError as error:
        raise Wrong(error.args[0]) from None
    return SAME


def run_summary(arguments: argparse.Namespace) -> int:  # noqa: ARG001  one signature for every verb
    """Print the counts."""
    from pytest_torchgraph.catalog.summary import PyTorchOperationSummarizer

    PyTorchOperationSummarizer(collected()).print_summary()
    return SAME


def run_export(arguments: argparse.Namespace) -> int:
    """Write the folder."""
    from pytest_torchgraph.catalog.summary import PyTorchOperationSummarizer

    try:
        written = PyTorchOperationSummarizer(collected()).export_full_summary(arguments.folder)
    except OSError as error:
        raise Wrong(f"{arguments.folder}: {error.strerror}; expected a folder that can be written") from None
    say("".join(f"{path}\n" for path in written))
    return SAME


def run_diff(arguments: argparse.Namespace) -> int:
    """Compare two exports; PyTorch is not needed for it."""
    from pytest_torchgraph.catalog.stored import CatalogueUnreadable, load
    from pytest_torchgraph.diff.catalogues import difference

    try:
        found = difference(load(Path(arguments.before)), load(Path(arguments.after)))
    except CatalogueUnreadable as error:
        raise Wrong(str(error)) from None
    put(as_json(found)) if arguments.format == "json" else say(as_text(found))
    return SAME if found.is_empty else DRIFT


def as_json(found: Difference) -> str:
    """The difference for programs."""
    changed = {name: {"before": before, "after": after} for name, (before, after) in found.changed.items()}
    record = {"before": found.before, "after": found.after, "added": found.added, "removed": found.removed}
    facts = {name: [asdict(each) for each in told] for name, told in found.facts.items()}
    return json.dumps({**record, "changed": changed, "facts": facts}, indent=1) + "\n"


def as_text(found: Difference) -> str:
    """The difference for people: what was added and removed, how signatures changed, and what else did."""
    changed = dict.fromkeys((*found.changed, *found.facts))
    numbers = f"{len(found.added)} added, {len(found.removed)} removed, {len(changed)} changed"
    lines = [f"torch {found.before} -> torch {found.after}: {numbers}"]
    lines += [f"+ {name}" for name in found.added]
    lines += [f"- {name}" for name in found.removed]
    for name in changed:
        lines.append(f"~ {name}")
        if name in found.changed:
            before, after = found.changed[name]
            lines += [f"    before {before or '?'}", f"    after  {after or '?'}"]
        lines += [f"    {_fact(each)}" for each in found.facts.get(name, ())]
    return "\n".join(lines) + "\n"


def _fact(each: Differing) -> str:
    """``has_meta: False -> True``, or ``tags: + pointwise``."""
    what = each.path[0]
    if each.way == "changed":
        return f"{what}: {each.before} -> {each.after}"
    return f"{what}: {'+' if each.way == 'added' else '-'} {each.path[-1]}"


def run_reach(arguments: argparse.Namespace) -> int:
    """Run the samples, and print or write the table."""
    from pytest_torchgraph.catalog import reach

    table = learnt(arguments.names)
    if arguments.output is None:
        say("".join(f"{line}\n" for call in table.calls for line in reach.described(call)))
        return SAME
    try:
        Path(arguments.output).write_text(reach.to_json(table), encoding="utf-8")
    except OSError as error:
        raise Wrong(f"{arguments.output}: {error.strerror}; expected a file that can be written") from None
    say(f"{arguments.output}: {times(len(table.calls), 'call')}\n")
    return SAME


def learnt(names: list[str]) -> Table:
    """What the calls *names*, or all, reach on this machine."""
    with torch_needed():
        import torch

        from pytest_torchgraph.capture.progress import progress
        from pytest_torchgraph.capture.recording import record
        from pytest_torchgraph.catalog.samples import api_samples, sample_names
    from pytest_torchgraph.catalog.reach import learn
    from pytest_torchgraph.catalog.search import full_name, like

    known = sample_names()
    asked = [full_name(name) for name in names]
    for name, full in zip(names, asked, strict=True):
        if full not in known:
            raise Wrong(f"PyTorch has no samples of {name!r}{like(full, known)}")

    far = Far()

    def observe(run: Callable[[], object]) -> list[str]:
        torch.manual_seed(0)
        with record() as recording:
            run()
        far.operations += len(recording.graph.operations)
        return [operation.packet for operation in recording.graph.operations]

    with warnings.catch_warnings(), progress(far.seen, "running samples"):
        warnings.simplefilter("ignore")  # a sample of a deprecated call says so
        return learn(str(torch.__version__), far.following(api_samples(asked)), observe)


class Far:
    """How far running the samples is."""

    def __init__(self) -> None:
        self.operations = 0
        self.name = ""

    def seen(self) -> tuple[int, str]:
        """Operations that were reached so far, and the call at work."""
        return self.operations, self.name

    def following(self, samples: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
        """*samples*, each noted when its turn comes."""
        for name, run in samples:
            self.name = name
            yield name, run
