"""``torchgraph explore FILE|module:factory [AFTER]``: a model, its graph and its drift, to walk through."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.cli.exits import SAME, Wrong
from pytest_torchgraph.cli.files.snapshots import load, parsed, read_text
from pytest_torchgraph.cli.judgement import same_modules
from pytest_torchgraph.cli.models import running, target
from pytest_torchgraph.cli.models.failures import told
from pytest_torchgraph.cli.review import waiting
from pytest_torchgraph.cli.streams import say
from pytest_torchgraph.explorer.config import ExplorerConfig
from pytest_torchgraph.explorer.errors import CannotExplore, require_terminal
from pytest_torchgraph.snapshot.pending import snapshot_text

if TYPE_CHECKING:
    from pytest_torchgraph.analysis.scaling import ByBatch
    from pytest_torchgraph.explorer.loading import Job, Source
    from pytest_torchgraph.explorer.subject import Subject
    from pytest_torchgraph.recorded.activation import Values

BEFORE_AFTER = "expected one target, or two: BEFORE AFTER"


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser = verbs.add_parser(
        "explore",
        help="walk through a model, its graph and its drift",
        usage="torchgraph explore [options] FILE|MODULE:FACTORY [AFTER] | --review [PATH ...]",
        description="Explore a snapshot file, or a model and what one run of it does and costs, or what changed from "
        "one to another. Files need no PyTorch. In train mode a backward pass is run, too, where one can be. "
        "? lists the keys.",
    )
    parser.add_argument(
        "targets",
        metavar="FILE|MODULE:FACTORY",
        nargs="*",
        help=f"a snapshot file, or {running.FORM.removeprefix('expected ').partition(', ')[0]}",
    )
    running.add_options(parser)
    parser.add_argument(
        "--timing",
        type=int,
        metavar="N",
        help="runs of a model that are timed; 1, or none of thousands of modules",
    )
    parser.add_argument("--review", action="store_true", help="go through what failed tests would record")
    parser.add_argument("--change", action="append", default=[], metavar="ID", help="with --review: this change only")
    parser.add_argument("--all", action="store_true", help="with --review: all projects of the git repository")
    parser.add_argument("--depth", type=int, metavar="N", help="modules in at most N others; all by default")
    parser.add_argument("--theme", default="dark", help="dark (default), light, or a theme of Textual")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Explore until the user quits."""
    try:
        return reviewed(arguments) if arguments.review else explored(arguments)
    except CannotExplore as error:
        raise Wrong(str(error)) from None


def explored(arguments: argparse.Namespace) -> int:
    """Explore one target, or two."""
    if not 1 <= len(arguments.targets) <= 2:
        raise Wrong(f"torchgraph explore was given {len(arguments.targets) or 'no'} targets; {BEFORE_AFTER}.")
    target.refuse_timing(arguments)
    config = config_of(arguments)
    for given in arguments.targets:
        if target.is_file(given):
            refuse_options(arguments, given)
            read_text(given)
    try:
        require_terminal()
    except CannotExplore:
        for given in filter(target.is_file, arguments.targets):
            load(given)
        raise
    from pytest_torchgraph.explorer.running import explore

    source = whole_source(arguments, config)
    try:
        explore(source, config)
    except (OSError, ValueError) as error:
        raise Wrong(told(error)) from error
    return SAME


def whole_source(arguments: argparse.Namespace, config: ExplorerConfig) -> Source:
    """What loads the one target, or what changed between the two."""
    from pytest_torchgraph.explorer.sources import of_two

    sources = [source_of(given, arguments, config) for given in arguments.targets]
    if len(sources) == 1:
        return sources[0]
    return of_two(sources[0], sources[1], config, same_modules(Path.cwd()))


def config_of(arguments: argparse.Namespace) -> ExplorerConfig:
    """How it is shown."""
    try:
        return ExplorerConfig(max_depth=arguments.depth, color_scheme=arguments.theme)
    except ValueError as error:
        raise Wrong(f"{error}.") from None


def refuse_options(arguments: argparse.Namespace, given: str) -> None:
    """A file is not run: say so where nothing else is."""
    if all(map(target.is_file, arguments.targets)):
        target.refuse_options(argparse.Namespace(**{**vars(arguments), "model": given}))


def source_of(given: str, arguments: argparse.Namespace, config: ExplorerConfig) -> Source:
    """What loads the target *given*."""
    from pytest_torchgraph.explorer.loading import Source
    from pytest_torchgraph.explorer.sources import of_snapshot

    if target.is_file(given):
        return of_snapshot(lambda: parsed(snapshot_text(read_text(given)), given), PurePath(given).name, config)
    loading = Loading(argparse.Namespace(**{**vars(arguments), "model": given}), config)
    return Source(given, loading.stages, loading.values, loading.growth)


class Loading:
    """A model that a factory makes: what it is, what a run of it does, and the values of another run."""

    def __init__(self, arguments: argparse.Namespace, config: ExplorerConfig) -> None:
        self.arguments, self.config = arguments, config
        self.run: running.Run | None = None

    def stages(self, job: Job) -> Iterator[Subject]:
        """The modules, then the run; a factory that returns no inputs is not run."""
        from pytest_torchgraph.explorer.sources import of_ran

        job.doing = f"building {self.arguments.model}"
        found = self.run = running.load(self.arguments)
        from pytest_torchgraph.explorer.live import runs_timed

        is_module = callable(getattr(found.model, "named_modules", None))
        if is_module and found.args == () and not found.kwargs:
            yield from of_ran(job, found.model, None, self.config)
            return
        runs = target.runs_timed(self.arguments, runs_timed(found.model) if is_module else 1)
        run = target.timed(trained(found), runs)
        yield from of_ran(job, found.model if is_module else None, partial(running.trace, run), self.config)

    def values(self, job: Job) -> Values:
        """The values of one more run."""
        from pytest_torchgraph.capture import activation
        from pytest_torchgraph.explorer.live import watched

        found = self.run
        assert found is not None
        with watched(job, "looking at values"):
            if found.args == () and not found.kwargs and callable(getattr(found.model, "named_parameters", None)):
                return activation.parameters(found.model)
            backward = trained(found).options["backward"]
            return activation.values(found.model, found.args, found.kwargs, backward=backward)

    def growth(self, job: Job) -> ByBatch:
        """How the model grows with the batch of its inputs."""
        from pytest_torchgraph.explorer.live import growth_of

        found = self.run
        assert found is not None
        return growth_of(job, found.model, found.args, found.kwargs, trained(found).options["backward"])


def trained(run: running.Run) -> running.Run:
    """*run*, with a backward pass where the model trains and nothing else was asked for."""
    if run.options["backward"] or not getattr(run.model, "training", False):
        return run
    options: Mapping[str, Any] = {**run.options, "backward": "auto"}
    return replace(run, options=options)


def reviewed(arguments: argparse.Namespace) -> int:
    """Go through what waits."""
    from pytest_torchgraph.cli.review.explored import Reviewing

    reviewing = Reviewing(argparse.Namespace(**{**vars(arguments), "paths": arguments.targets}))
    if not reviewing.entries():
        if reviewing.faults:
            raise Wrong("\ntorchgraph: ".join(reviewing.faults))
        say("".join(f"{note}\n" for note in reviewing.notes()) or waiting.nothing_text())
        return reviewing.code()
    require_terminal()
    from pytest_torchgraph.explorer.running import review

    review(reviewing, config_of(arguments))
    return reviewing.code()
