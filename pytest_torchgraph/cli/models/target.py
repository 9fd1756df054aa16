"""A snapshot file, or a model that is run: where either will do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import Wrong
from pytest_torchgraph.cli.models import running

if TYPE_CHECKING:
    import argparse

    from pytest_torchgraph.graph import Graph

SUFFIX = ".torchgraph"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that name one of them, and how often a model is run."""
    running.add_arguments(parser, "FILE|MODULE:FACTORY", "a snapshot file, or ")
    parser.add_argument("--timing", type=int, metavar="N", help="runs of a model that are timed; 1, and 0 for none")


def is_file(text: str) -> bool:
    """Whether *text* names a snapshot file rather than a model."""
    return not running.is_program(text) and (text.endswith(SUFFIX) or ":" not in text or Path(text).is_file())


def graph_of(arguments: argparse.Namespace) -> Graph:
    """The graph in the file, or that of one run of the model."""
    if not is_file(arguments.model):
        return running.trace(timed(running.load(arguments), runs_timed(arguments, 1)))
    from pytest_torchgraph.cli.files.snapshots import load
    from pytest_torchgraph.snapshot.loading import graph_of as graph_in

    refuse_options(arguments)
    return graph_in(load(arguments.model)[1])


def runs_timed(arguments: argparse.Namespace, otherwise: int) -> int:
    """How many runs are timed: as asked for, else *otherwise*, and none of an exported program."""
    refuse_timing(arguments)
    given: int | None = arguments.timing
    return given if given is not None else 0 if running.is_fake(arguments) else otherwise


def refuse_timing(arguments: argparse.Namespace) -> None:
    """Raise ``Wrong`` for a number of runs that is none."""
    if arguments.timing is not None and arguments.timing < 0:
        raise Wrong(f"--timing {arguments.timing}: expected how many runs to time, such as 5; 0 takes no times.")


def timed(run: running.Run, runs: int) -> running.Run:
    """The same run, timed."""
    from dataclasses import replace

    options: dict[str, Any] = {**run.options, "timing": runs}
    return replace(run, options=options)


def refuse_options(arguments: argparse.Namespace) -> None:
    """A file is not run: say so where it was asked for."""
    for name in ("input", "warmup", "backward", "loss", "optimizer"):
        if getattr(arguments, name):
            raise Wrong(f"--{name} runs a model, and {arguments.model} is a file: give MODULE:FACTORY instead.")
