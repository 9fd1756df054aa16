"""``torchgraph summary module:factory``: a model's modules with shapes, parameters and FLOPs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import SAME
from pytest_torchgraph.cli.models import running
from pytest_torchgraph.cli.streams import say

if TYPE_CHECKING:
    import argparse


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "summary",
        help="run a model and print its modules with shapes, parameters and FLOPs",
        description="Call FACTORY, run the model that it returns once without gradients, and print its modules.",
    )
    parser.add_argument("model", metavar="MODULE:FACTORY", help=running.FORM.removeprefix("expected ") + running.ALSO)
    running.add_input(parser)
    parser.add_argument("--depth", metavar="N", type=int, default=3, help="how deep modules may lie; 3 unless given")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run and print."""
    asked = running.with_inputs(running.built(arguments.model), arguments.input)
    import torch

    from pytest_torchgraph.tracking.summary import summarised

    with torch.no_grad():
        graph = running.trace(asked)
    say(f"{summarised(graph, asked.model, arguments.depth)}\n")
    return SAME
