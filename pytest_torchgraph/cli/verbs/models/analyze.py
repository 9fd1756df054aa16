"""``torchgraph analyze FILE|module:factory``: what a model does and costs, as tables or JSON."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.capture.progress import progress
from pytest_torchgraph.cli.exits import SAME
from pytest_torchgraph.cli.models import target
from pytest_torchgraph.cli.streams import put, wants_colour

if TYPE_CHECKING:
    import argparse

LEAST = 100
"""Columns below which the tables would fold their names."""


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "analyze",
        help="tables of modules, operations, time and memory",
        description="Tell what a snapshot file holds, or what one run of a model does and costs, module by module.",
    )
    target.add_arguments(parser)
    parser.add_argument("--depth", type=int, metavar="N", help="modules in at most N others; all by default")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="table by default")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the tables."""
    from pytest_torchgraph.analysis.overview import analyse

    graph = target.graph_of(arguments)
    with progress(lambda: (len(graph.operations), ""), "analysing"):
        analysis = analyse(graph)
    if arguments.format == "json":
        put(json.dumps(analysis.as_dict(), indent=2) + "\n")
        return SAME
    from pytest_torchgraph.report.analysis import render

    width = max(shutil.get_terminal_size((LEAST + 30, 24)).columns, LEAST)
    sys.stdout.write(render(analysis, colour=wants_colour(), width=width, depth=arguments.depth))
    return SAME
