"""``torchgraph summary module:factory``: a model's modules with shapes, parameters and FLOPs."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from typing import Any

from pytest_torchgraph.cli.exits import SAME, Wrong
from pytest_torchgraph.cli.models import running
from pytest_torchgraph.cli.streams import say


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "summary",
        help="run a model and print its modules with shapes, parameters and FLOPs",
        description="Call FACTORY, run the model that it returns once without gradients, and print its modules.",
    )
    parser.add_argument("model", metavar="MODULE:FACTORY", help=running.FORM.removeprefix("expected ") + running.ALSO)
    help_of_input = "random numbers of that shape, 1,3,224,224; can be repeated"
    parser.add_argument("--input", metavar="SIZE", action="append", type=size, help=help_of_input)
    parser.add_argument("--depth", metavar="N", type=int, default=3, help="how deep modules may lie; 3 unless given")
    parser.set_defaults(run=run)


def size(text: str) -> tuple[int, ...]:
    """``1,3,224,224`` or ``1x3x224x224`` as a shape."""
    if not re.fullmatch(r"\d+([,x]\d+)*", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape: give whole numbers, as in 1,3,224,224")
    return tuple(int(part) for part in re.split("[,x]", text))


def run(arguments: argparse.Namespace) -> int:
    """Run and print."""
    built = running.built(arguments.model)
    if arguments.input and (built.args != () or built.kwargs):
        raise Wrong(f"{arguments.model}() returns inputs: leave out --input, or return the model alone.")
    import torch

    from pytest_torchgraph.tracking.summary import random_inputs, summarised

    asked = replace(built, args=random_inputs(arguments.input)) if arguments.input else built
    with torch.no_grad():
        graph = running.trace(asked)
    say(f"{summarised(graph, built.model, arguments.depth)}\n")
    return SAME
