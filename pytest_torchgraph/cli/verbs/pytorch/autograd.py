"""``torchgraph autograd``: the sources behind backward graphs, and the graph of one model."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import SAME, Wrong
from pytest_torchgraph.cli.models import running
from pytest_torchgraph.cli.streams import put, say
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from torch import Tensor

    from pytest_torchgraph.catalog.autograd.source import Inventory

SOURCE = "a checkout of PyTorch, with .cpp files and code generators"
PICTURE = "autograd_dependencies.html"
SHOWN_GAPS = 20
PROGRAM = (
    "{}: an exported program is not called itself. Name a factory that returns what torch.export.load of it gives "
    "as .module(), and its inputs."
)


def register(verbs: Any) -> None:
    """Add the verb and what can be asked of it."""
    autograd = verbs.add_parser(
        "autograd", help="find the sources of backward nodes, and print a model's autograd graph"
    )
    asked = autograd.add_subparsers(metavar="WHAT", required=True)

    parser = asked.add_parser("inventory", help="catalogue the autograd sources of the installed PyTorch")
    parser.add_argument("--source", metavar="CHECKOUT", help=SOURCE)
    parser.add_argument("--out", metavar="FOLDER", help="write four documents, JSON, DOT and a picture there")
    parser.set_defaults(run=run_inventory)

    parser = asked.add_parser("show", help="print where a node, a class, a function or a file is, and what it does")
    parser.add_argument(
        "name", metavar="NAME", help="ConvolutionBackward0 (as grad_fn says), Engine, set_history, engine.h"
    )
    parser.add_argument("--source", metavar="CHECKOUT", help=SOURCE)
    parser.set_defaults(run=run_show)

    parser = asked.add_parser("graph", help="run a model and print the autograd graph of its outputs")
    parser.add_argument("model", metavar="MODULE:FACTORY", help=running.FORM.removeprefix("expected "))
    parser.add_argument("--format", choices=("text", "dot", "json"), default="text", help="text by default")
    parser.set_defaults(run=run_graph)


def read(source: str | None, *, only_core: bool = False) -> Inventory:
    """The inventory; what stands in its way ends the command."""
    from pytest_torchgraph.catalog.autograd.cpp import ParserMissing
    from pytest_torchgraph.catalog.autograd.scan import NothingToRead, inventory

    try:
        return inventory(None if source is None else Path(source), only_core=only_core)
    except (ParserMissing, NothingToRead) as error:
        raise Wrong(str(error)) from None


def run_inventory(arguments: argparse.Namespace) -> int:
    """Print the counts, and write the documents."""
    from pytest_torchgraph.catalog.autograd.export import export
    from pytest_torchgraph.catalog.autograd.scan import GIVEN

    found = read(arguments.source)
    say("".join(f"{line}\n" for line in overview(found)))
    if arguments.out is not None:
        folder = Path(arguments.out)
        try:
            written = [*export(found, folder), *drawn(found, folder)]
        except OSError as error:
            raise Wrong(f"{folder}: {error.strerror}; expected a folder that can be written") from None
        say("".join(f"wrote {path}\n" for path in written))
    refused = [gap.reason for gap in found.gaps if gap.path == GIVEN]
    if refused:
        raise Wrong(f"--source: {refused[0]}; the rest is catalogued")
    return SAME


def drawn(found: Inventory, folder: Path) -> Iterator[Path]:
    """The picture, where plotly is installed."""
    from importlib.util import find_spec

    if find_spec("plotly") is None:
        say("no picture: it needs plotly, pip install 'pytest-torchgraph[drawing]'\n")
        return
    from pytest_torchgraph.drawing.dependency import html

    (folder / PICTURE).write_text(html(found), encoding="utf-8")
    yield folder / PICTURE


def overview(found: Inventory) -> Iterator[str]:
    """Files by area, layers, cycles and gaps."""
    from pytest_torchgraph.catalog.autograd.area import AREAS, MEANING
    from pytest_torchgraph.catalog.autograd.dependency import dependencies

    areas = Counter(file.area for file in found.files)
    lines = sum(file.lines for file in found.files)
    size = f"{times(len(found.files), 'file')} of autograd, {times(lines, 'line')}"
    yield f"{found.origin}: {size}, {times(len(found.nodes), 'backward node')}"
    yield from (f"  {area:<26}{areas[area]:>4}  {MEANING[area]}" for area in AREAS)
    circles = dependencies(found.files).cycles
    if circles:
        yield f"  {times(len(circles), 'cycle')} of includes; the largest has {len(circles[0])} files"
    yield from (f"  gap: {gap.path}: {gap.reason}" for gap in found.gaps[:SHOWN_GAPS])
    if len(found.gaps) > SHOWN_GAPS:
        yield f"  and {len(found.gaps) - SHOWN_GAPS} more gaps"


def run_show(arguments: argparse.Namespace) -> int:
    """Print where it is, and what there is to know of it."""
    from pytest_torchgraph.catalog.autograd.lookup import alike, look_up
    from pytest_torchgraph.catalog.autograd.source import SourceFile
    from pytest_torchgraph.cli.autograd_show import Shown

    read_in = read(arguments.source, only_core=True)
    found = look_up(read_in, arguments.name)
    if not found or isinstance(found[0], SourceFile):  # who uses a file is known when all were read
        read_in = read(arguments.source)
        found = look_up(read_in, arguments.name)
    if not found:
        names = alike(read_in, arguments.name)
        hint = f"; did you mean {', '.join(names)}?" if names else ""
        hint += f"; {read_in.gaps[0].path}: {read_in.gaps[0].reason}" if read_in.gaps else ""
        raise Wrong(f"no node, class, function or file is called {arguments.name!r} in {read_in.origin}{hint}")
    say("".join(f"{line}\n" for line in Shown(read_in, arguments.source).lines(found)))
    return SAME


def run_graph(arguments: argparse.Namespace) -> int:
    """Run the model once, and print what is behind its outputs."""
    if running.is_program(arguments.model):
        raise Wrong(PROGRAM.format(arguments.model))
    run = running.built(arguments.model)
    from pytest_torchgraph.catalog.autograd import live

    write = {"text": live.to_text, "dot": live.to_dot, "json": live.to_json}[arguments.format]
    outputs, leaves = ran(arguments.model, run)
    try:
        put(write(live.autograd_graph(outputs, leaves)))
    except live.NothingToDifferentiate as error:
        raise Wrong(f"{arguments.model}: {error}") from None
    return SAME


def ran(spec: str, run: running.Run) -> tuple[list[tuple[str, Tensor]], dict[str, Tensor]]:
    """The outputs of one run, and the tensors that it was given, both by name."""
    from pytest_torchgraph.capture.binding import as_call, bind, tensors_in
    from pytest_torchgraph.capture.target import holdings_of, target_of
    from pytest_torchgraph.capture.tracing import named_inputs

    target = target_of(run.model)
    positional, keywords = as_call(run.args, run.kwargs)
    try:
        leaves = dict(named_inputs(bind(run.model, positional, keywords)))
        output = run.model(*positional, **keywords)
    except Exception as error:
        raise Wrong(f"{spec} does not run: {type(error).__name__}: {error}") from error
    leaves |= {path: tensor for _, path, tensor in holdings_of(target.roots).leaves}
    return list(tensors_in(output)), leaves
