"""The end of a session: what is to be said is known then, whether or not the terminal gets a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_torchgraph.plugin import options, reports

if TYPE_CHECKING:
    from pytest_torchgraph.plugin.events import Ledger
    from pytest_torchgraph.plugin.summary import Line

SECTION = pytest.StashKey["list[Line]"]()


def close(config: pytest.Config, ledger: Ledger) -> None:
    """Write the reports, and keep the section ``torchgraph``."""
    config.stash[SECTION] = _section(config, ledger)
    reports.write(config, ledger)


def _section(config: pytest.Config, ledger: Ledger) -> list[Line]:
    if not (any(ledger.events.values()) or ledger.unused or ledger.unclaimed):
        return []
    from pytest_torchgraph.plugin import summary, unclaimed

    if config.get_verbosity() < 0:
        return summary.in_one_line(ledger)
    return summary.lines(
        ledger,
        removing=options.updating(config),
        verbose=config.get_verbosity() > 0,
        prune=unclaimed.command(config) if ledger.unclaimed else "",
    )


def show(config: pytest.Config, reporter: Any) -> None:
    """Print the section, and which reports were written, through pytest's *reporter*; once."""
    section = config.stash.get(SECTION, None)
    if section is None or reporter is None:
        return
    del config.stash[SECTION]
    if section:
        from pytest_torchgraph.plugin import summary

        summary.write(reporter, section)
    reports.tell(config, reporter)
