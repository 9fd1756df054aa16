"""The hooks that pytest calls; each hands over to the file that owns the subject.

This module is imported in every pytest run of every user, so it imports neither PyTorch nor anything slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_torchgraph.plugin import coverage, failing, options, painting, reports, surroundings, terminal
from pytest_torchgraph.plugin.events import ITEM_EVENTS, LEDGER, Ledger, pack

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_torchgraph.plugin.fixture import TorchGraph

FIXTURE = "torch_graph"
SUMMED_UP = pytest.StashKey[bool]()


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
    options.configure(config)
    from pytest_torchgraph.plugin.defaults import require_readable
    from pytest_torchgraph.plugin.extension import hide_from_syrupy
    from pytest_torchgraph.plugin.watch import Watch

    require_readable(config)
    reports.configure(config)
    hide_from_syrupy(config)
    coverage.configure(config)
    terminal.keep(config)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(painting, "torchgraph-painting")
    config.stash[LEDGER] = Ledger()
    config.pluginmanager.register(Watch(config.stash[LEDGER]), "torchgraph-watch")


def pytest_report_header(config: pytest.Config) -> str:
    """Mode, PyTorch version and snapshot folder."""
    return options.header(config)


@pytest.fixture
def torch_graph(request: pytest.FixtureRequest) -> TorchGraph:
    """Record a model's operations and compare them with the stored snapshot: ``torch_graph.check(model, inputs)``."""
    from pytest_torchgraph.plugin.fixture import TorchGraph

    return TorchGraph(request.node)


@pytest.fixture
def torchgraph() -> None:
    """Misspelled: the fixture is ``torch_graph``."""
    pytest.fail("there is no fixture 'torchgraph': it is 'torch_graph'", pytrace=False)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Note names that differ only in case, before ``--lf`` takes any away."""
    report = yield
    if isinstance(collector, (pytest.Module, pytest.Class)) and report.result:
        from pytest_torchgraph.plugin.location import case_clashes

        collector.config.stash[LEDGER].case_clashes |= case_clashes(report.result)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Remember every item before any is deselected."""
    config.stash[LEDGER].items = list(items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a budget marker that means nothing, and keep failures where all checks are wanted."""
    failing.begin(item)
    if item.get_closest_marker(options.MARKER) is not None:
        from pytest_torchgraph.plugin.limits import require_valid_marker

        require_valid_marker(item, FIXTURE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail with what was kept, and refuse a budget marker on a test that checked nothing."""
    with failing.together(item):
        result = yield
    if item.get_closest_marker(options.MARKER) is not None:
        from pytest_torchgraph.plugin.limits import require_checked

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

        report.torchgraph = pack(node_id(item), events)
        item.stash[ITEM_EVENTS] = []
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what an xdist worker collected."""
    from pytest_torchgraph.plugin import workers

    workers.receive(node, error)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Judge unused snapshots; a worker reports to its controller instead.

    A plain hook: as a wrapper it would run after xdist has sent the worker's output and after the summary.
    """
    from pytest_torchgraph.plugin import unused, workers

    if workers.is_worker(session.config):
        workers.publish(session.config)
    else:
        session.config.stash[LEDGER].stopped = bool(session.shouldstop or session.shouldfail)
        unused.note_collection(session.config)
        unused.judge(session, int(exitstatus))
        reports.write(session.config, session.config.stash[LEDGER])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the section ``torchgraph``, if there is anything to say, and which reports were written."""
    from pytest_torchgraph.plugin import options, summary

    ledger = config.stash[LEDGER]
    if any(ledger.events.values()) or ledger.unused:
        is_quiet = config.get_verbosity() < 0
        shown = summary.in_one_line(ledger) if is_quiet else summary.lines(ledger, removing=options.updating(config))
        summary.write(terminalreporter, shown)
    reports.tell(config, terminalreporter)
    config.stash[SUMMED_UP] = True


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Do so now where ``--no-summary`` ruled it out, as pytest 8 has it: a session must not fail without a word."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    is_silent = config.getoption("no_summary", default=False) and not config.stash.get(SUMMED_UP, False)
    if reporter is not None and is_silent and LEDGER in config.stash:
        pytest_terminal_summary(reporter, config)
