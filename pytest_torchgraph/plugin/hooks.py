"""The hooks that pytest calls; each hands over to the file that owns the subject.

This module is imported in every pytest run of every user, so it imports neither PyTorch nor anything slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_torchgraph.plugin import options, settings, surroundings
from pytest_torchgraph.plugin.check import failing
from pytest_torchgraph.plugin.session import coverage, reports, terminal
from pytest_torchgraph.plugin.session.events import ITEM_EVENTS, LEDGER, RUN, Ledger, begin, pack

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from pytest_torchgraph.plugin.fixture import TorchGraph

FIXTURE = "torch_graph"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options and ini settings."""
    options.register(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """What runs the session, before any file of the project can change the environment."""
    surroundings.note(early_config)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Marker, checks of the settings, and what follows this session."""
    surroundings.note(config)
    settings.configure(config)
    from pytest_torchgraph.plugin.check.rules import require_defaults
    from pytest_torchgraph.plugin.check.storage import hide_from_syrupy, refuse_graphs
    from pytest_torchgraph.plugin.session.following import Watch

    require_defaults(config)
    reports.configure(config)
    hide_from_syrupy(config)
    refuse_graphs(config)
    coverage.configure(config)
    terminal.keep(config)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(terminal, "torchgraph-terminal")
    config.stash[LEDGER] = Ledger()
    config.pluginmanager.register(Watch(config.stash[LEDGER]), "torchgraph-watch")


def pytest_report_header(config: pytest.Config) -> str:
    """Mode, PyTorch version and snapshot folder."""
    return settings.header(config)


@pytest.fixture
def torch_graph(request: pytest.FixtureRequest) -> TorchGraph:
    """Record a model's operations and compare them with the stored snapshot: ``torch_graph.check(model, inputs)``."""
    from pytest_torchgraph.plugin.fixture import TorchGraph

    begin(request.node)
    return TorchGraph(request.node)


@pytest.fixture
def torchgraph() -> None:
    """Misspelled: the fixture is ``torch_graph``."""
    pytest.fail("there is no fixture 'torchgraph': it is 'torch_graph'", pytrace=False)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Note what was collected, and names that differ only in case, before ``--lf`` takes any away."""
    report = yield
    collector.config.stash[LEDGER].collection.note_file(collector, report)
    if isinstance(collector, (pytest.Module, pytest.Class)) and report.result:
        from pytest_torchgraph.plugin.location import note_case_clashes

        note_case_clashes(collector.config, report.result)
    return report


def pytest_itemcollected(item: pytest.Item) -> None:
    """Remember every item before any is deselected."""
    item.config.stash[LEDGER].collection.items.append(item)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note that this run is of a part, whoever took the rest out."""
    for item in items:
        item.config.stash[LEDGER].collection.picked = True


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note that items were taken out without a word."""
    session.config.stash[LEDGER].collection.end(session)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a budget marker that means nothing, and keep failures where all checks are wanted."""
    failing.begin(item)
    if item.get_closest_marker(options.MARKER) is not None:
        from pytest_torchgraph.plugin.check.limits import require_valid_marker

        require_valid_marker(item, FIXTURE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail with what was kept, and refuse a budget marker on a test that checked nothing."""
    with failing.together(item):
        result = yield
    if item.get_closest_marker(options.MARKER) is not None:
        from pytest_torchgraph.plugin.check.limits import require_checked

        require_checked(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Attach what the checks did: plain data, so that it survives xdist."""
    report = yield
    failing.complete(item, report)
    events = item.stash.get(ITEM_EVENTS, [])
    if events or FIXTURE in getattr(item, "fixturenames", ()):
        from pytest_torchgraph.plugin.location import node_id

        report.torchgraph = pack(node_id(item), events, item.stash.get(RUN, 0))
        item.stash[ITEM_EVENTS] = []
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what an xdist worker collected."""
    from pytest_torchgraph.plugin.session import following

    following.receive(node, error)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Judge unused snapshots and write the reports; a worker reports to its controller instead.

    A plain hook: as a wrapper it would run after xdist has sent the worker's output and after the summary.
    """
    from pytest_torchgraph.plugin.location import snapshot_root
    from pytest_torchgraph.plugin.session import following, summary

    if following.is_worker(session.config):
        following.publish(session.config)
        return
    ledger = session.config.stash[LEDGER]
    ledger.stopped = bool(session.shouldstop or session.shouldfail)
    ledger.collection.settle()
    if ledger.claimed or snapshot_root(session.config).is_dir():
        from pytest_torchgraph.plugin.session import unused

        unused.judge(session, int(exitstatus))
    summary.close(session.config, ledger)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the section ``torchgraph``, if there is anything to say."""
    from pytest_torchgraph.plugin.session import summary

    summary.show(config, terminalreporter)


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Print it where pytest calls for no summary, as pytest 8 does with ``--no-summary``."""
    from pytest_torchgraph.plugin.session import summary

    summary.show(config, config.pluginmanager.get_plugin("terminalreporter"))
