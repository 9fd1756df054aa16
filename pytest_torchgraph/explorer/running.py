"""Start the explorer in this terminal, and leave the terminal and the model as they were."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.explorer.config import ExplorerConfig
from pytest_torchgraph.explorer.errors import CannotExplore, require_terminal
from pytest_torchgraph.explorer.loading import Source, quick_turns
from pytest_torchgraph.explorer.stats import ForwardStats

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.app import Explorer
    from pytest_torchgraph.explorer.waiting import Reviewing
    from pytest_torchgraph.graph import Graph


def explore(source: Source, config: ExplorerConfig | None = None) -> None:
    """Explore *source*; returns when the user quits.

    Raises :class:`CannotExplore` without a terminal or Textual, and whatever keeps the source from being loaded.
    """
    require_terminal()
    from pytest_torchgraph.explorer.app import Explorer

    finish(Explorer(source, config))


def review(reviewing: Reviewing, config: ExplorerConfig | None = None) -> None:
    """Go through what waits for review; returns when the user quits."""
    require_terminal()
    from pytest_torchgraph.explorer.review import Review

    Review(reviewing, config).run()


def finish(app: Explorer, **options: Any) -> None:
    """Run *app* to its end, and wait until what it began has put everything back."""
    frozen = gc.get_freeze_count()
    try:
        with quick_turns():
            error = app.run(**options)
    finally:
        if app.job is not None:
            app.job.cancel()
        for thread in app.threads:
            thread.join()
        if not frozen:
            gc.unfreeze()
    if isinstance(error, BaseException):
        raise error
    if app.return_code:
        raise CannotExplore("the explorer failed; what is printed above tells where. The terminal is as it was.")


def explore_model(model: Any, inputs: Any = None, config: ExplorerConfig | None = None) -> None:
    """Explore *model* in the terminal; returns when the user quits.

    *model* is a ``torch.nn.Module``, or a ``Graph`` that was recorded or loaded. With *inputs* (a tensor, a tuple of
    arguments, or a mapping of keyword arguments) it runs, everything is put back, and what it costs is shown, too; in
    train mode with a backward pass from the sum of its outputs.
    Without, the modules are shown, and the times that ``record_torch_module_forward_stats`` recorded last.
    """
    from pytest_torchgraph.explorer.sources import of_live, of_record
    from pytest_torchgraph.graph import Graph

    if config is not None:
        config.check()
    if isinstance(model, Graph):
        if inputs is not None:
            raise TypeError("a Graph is a record of a run, and takes no inputs")
        explore(of_record(model, config=config), config)
        return
    require_terminal()
    explore(of_live(model, inputs, config), config)


def explore_module(module: Any, inputs: Any = None, config: ExplorerConfig | None = None) -> None:
    """Explore *module*; the same as :func:`explore_model`."""
    explore_model(module, inputs, config)


def explore_torch_module(module: Any) -> None:
    """Explore *module*, with the times that were recorded of it."""
    explore_model(module)


def explore_models(before: Any, after: Any, inputs: Any = None, config: ExplorerConfig | None = None) -> None:
    """Explore two models, or two graphs, side by side; with *inputs* both run, and what changed is told, too."""
    from pytest_torchgraph.explorer.sources import of_live, of_record, of_two
    from pytest_torchgraph.graph import Graph

    def source(one: Any) -> Source:
        return of_record(one, config=config) if isinstance(one, Graph) else of_live(one, inputs, config)

    require_terminal()
    explore(of_two(source(before), source(after), config), config)


def display_timing_in_explorer(timing: ForwardStats) -> None:
    """Explore the model whose forward passes were timed; raises :class:`CannotExplore` where none were."""
    if not isinstance(timing, ForwardStats):
        raise TypeError(f"expected what get_forward_stats(model) returns, not {type(timing).__name__}")
    graph: Graph | None = timing.graph
    if graph is None:
        raise CannotExplore(
            f"no forward pass of {type(timing.model).__name__} was timed: "
            "run it in 'with record_torch_module_forward_stats(model):'"
        )
    from pytest_torchgraph.explorer.sources import of_live

    require_terminal()
    explore(of_live(timing.model, graph=lambda: graph))
