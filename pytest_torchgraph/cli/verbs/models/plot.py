"""``torchgraph plot FILE|module:factory -o out.html``: a picture of a graph."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.capture.progress import progress
from pytest_torchgraph.cli.exits import SAME, Wrong
from pytest_torchgraph.cli.judgement import same_modules
from pytest_torchgraph.cli.models import target
from pytest_torchgraph.cli.streams import say
from pytest_torchgraph.drawing.errors import CannotDraw, require, require_known
from pytest_torchgraph.drawing.options import FORMATS, PICTURES, Options
from pytest_torchgraph.drawing.picture import save
from pytest_torchgraph.drawing.saving import format_of, require_writable
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    from pytest_torchgraph.graph import Graph

NEEDS = {"html": "plotly", "png": "matplotlib", "svg": "matplotlib", "pdf": "matplotlib"}


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "plot",
        help="draw a graph as a picture",
        description="Draw the graph of a snapshot file, or of one run of a model: interactive as html, for print as "
        "png, svg or pdf, or as dot. Repeated layers are drawn once.",
    )
    target.add_arguments(parser)
    parser.add_argument(
        "-o", "--output", metavar="PATH", required=True, help=f"its suffix is the format: {', '.join(FORMATS)}"
    )
    parser.add_argument("--picture", metavar="PICTURE", help=f"{', '.join(PICTURES)}; graph unless --before is given")
    parser.add_argument("--by", metavar="MEASURE", help="time, memory, flops, change, kind; operations for an icicle")
    parser.add_argument("--before", metavar="FILE|MODULE:FACTORY", help="the graph to compare with")
    parser.add_argument("--unfold", action="store_true", help="draw every repetition of a layer")
    parser.add_argument("--depth", type=int, metavar="N", help="how deep modules are open")
    parser.add_argument("--dark", action="store_true", help="light on dark")
    parser.add_argument("--title", metavar="TEXT", help="the title, the model's class by default")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Draw and write."""
    picture = arguments.picture or ("compare" if arguments.before else "graph")
    chosen = {"picture": picture, "by": arguments.by, "unfold": arguments.unfold, "depth": arguments.depth,
              "dark": arguments.dark, "title": arguments.title}  # fmt: skip
    try:
        check(Path(arguments.output), chosen, arguments.before)
        graph = target.graph_of(arguments)
        before = other(arguments) if arguments.before else None
        same = same_modules(Path.cwd()) if arguments.before else None
        with progress(lambda: (len(graph.operations), ""), "drawing"):
            save(graph, arguments.output, before=before, same=same, **chosen)
    except OSError as error:
        raise Wrong(error.strerror or str(error)) from None
    except (CannotDraw, ImportError) as error:
        raise Wrong(str(error)) from None
    say(f"{arguments.output}: {times(graph.count('ops'), 'operation')}\n")
    return SAME


def check(path: Path, chosen: dict[str, Any], before: str | None) -> None:
    """Refuse what cannot be drawn before a model runs for long."""
    suffix = format_of(path)
    if suffix == "dot":
        require_known("picture as dot", chosen["picture"], PICTURES[:1])
    else:
        require(NEEDS[suffix])
    Options(**chosen)
    if before is None and (chosen["picture"] == "compare" or chosen["by"] == "change"):
        raise CannotDraw("changes need a second graph: give the one before as --before FILE or MODULE:FACTORY")
    require_writable(path)


def other(arguments: argparse.Namespace) -> Graph:
    """The graph before, run as the other one is."""
    given = {**vars(arguments), "model": arguments.before}
    if target.is_file(arguments.before):
        given |= {"warmup": 0, "backward": False, "loss": None, "optimizer": None}
    return target.graph_of(argparse.Namespace(**given))
