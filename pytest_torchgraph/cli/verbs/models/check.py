"""``torchgraph check FILE module:factory``: a model against a snapshot file, without pytest."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli import judgement
from pytest_torchgraph.cli.exits import DRIFT, Wrong
from pytest_torchgraph.cli.files.revisions import SUFFIX
from pytest_torchgraph.cli.files.snapshots import as_snapshot, load
from pytest_torchgraph.cli.models import running
from pytest_torchgraph.recorded.repeating import MOST_RUNS

if TYPE_CHECKING:
    import argparse

    from pytest_torchgraph.graph import Graph
    from pytest_torchgraph.snapshot.reader import Snapshot

OPTIONS = {"backward": "--backward or --loss MODULE:FUNCTION", "optimizer": "--optimizer MODULE:FUNCTION"}
"""What makes a run have each phase."""


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "check",
        help="run a model and compare it with a snapshot file",
        description="Run the model that FACTORY returns and explain how it differs from FILE. "
        "Exit code 0: same, 1: drift, 2: error.",
    )
    parser.add_argument("file", metavar="FILE", help="a snapshot file")
    running.add_arguments(parser)
    running.add_fake(parser)
    judgement.add_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Trace, compare, print and return 0 or 1; one that differs is called again until it matches or repeats."""
    _require_order(arguments)
    _, before = load(arguments.file)
    model = running.load(arguments)
    title = f"{arguments.model} against {arguments.file}"
    accept = f"torchgraph trace {running.spelled(arguments)} -o {shlex.quote(arguments.file)}"

    _require_kind(arguments, before)

    def judged(graph: Graph) -> judgement.Judged:
        after = as_snapshot(graph, arguments.model)
        _require_phases(arguments.file, before, after)
        judgement.require_matching(arguments, (before, after), graph)
        return judgement.judged(before, after, title, arguments, live=graph, accept=accept)

    with running.repeated(model) as once:
        graphs = [once()]
        result = judged(graphs[0])
        while result.code == DRIFT and not arguments.warmup and len(graphs) < MOST_RUNS:
            graphs.append(once())
            if graphs[-1] == graphs[-2]:
                break
            result = judged(graphs[-1])
    judgement.show([result.case], arguments)
    return result.code


def _require_order(arguments: argparse.Namespace) -> None:
    """Raise ``Wrong`` where the model stands before the file."""
    if arguments.model.endswith(SUFFIX) and not Path(arguments.file).exists():
        raise Wrong(f"the file comes first: torchgraph check {shlex.join((arguments.model, arguments.file))}")


def _require_kind(arguments: argparse.Namespace, before: Snapshot) -> None:
    """Raise ``Wrong`` for a fake run against the snapshot of a real one, and the other way round."""
    fake = running.is_fake(arguments)
    if before.program.run.is_fake != fake:
        advice = "leave --fake out" if arguments.fake else "give a model that runs" if fake else "give --fake"
        raise Wrong(
            f"{arguments.file} was recorded {'without' if fake else 'with'} fake tensors, and a library may "
            f"compute those otherwise: {advice}, or compare two files (torchgraph diff)."
        )


def _require_phases(file: str, before: Snapshot, after: Snapshot) -> None:
    """Refuse a run without a phase that the file has: an option was forgotten, so nothing can be said of drift."""
    missing = [name for name in before.program.phases if name not in after.program.phases]
    needed = " and ".join(OPTIONS[name] for name in missing if name in OPTIONS)
    if needed:
        recorded = ", ".join(("forward", *before.program.phases))
        ran = ", ".join(("forward", *after.program.phases))
        raise Wrong(f"{file} has the phases {recorded}; this run had {ran} only: give {needed}.")
