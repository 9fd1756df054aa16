"""The end of a session: reports are written whether or not the terminal gets a summary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_torchgraph.plugin import options, reports, summary, unclaimed

if TYPE_CHECKING:
    from pytest_torchgraph.plugin.events import Ledger
    from pytest_torchgraph.plugin.summary import Line


@dataclass(slots=True)
class Closing:
    """What is to be printed at the end: the lines of the section ``torchgraph``, and what the reports said."""

    section: list[Line]
    told: list[Line] = field(default_factory=list)

    def write_line(self, text: str, **colour: bool) -> None:
        """Keep a line for later, as pytest's terminal reporter would print it now."""
        self.told.append((text, colour))


CLOSING = pytest.StashKey[Closing]()


def close(config: pytest.Config, ledger: Ledger) -> Closing:
    """Write the reports; what there is to print."""
    closing = Closing(_section(config, ledger))
    reports.write(config, ledger, closing)
    return closing


def _section(config: pytest.Config, ledger: Ledger) -> list[Line]:
    if not (any(ledger.events.values()) or ledger.unused or ledger.unclaimed):
        return []
    return summary.lines(
        ledger,
        removing=options.updating(config),
        verbose=config.get_verbosity() > 0,
        prune=unclaimed.command(config) if ledger.unclaimed else "",
    )


def show(config: pytest.Config, reporter: Any) -> None:
    """Print it through pytest's *reporter*, once."""
    closing = config.stash.get(CLOSING, None)
    if closing is None or reporter is None:
        return
    del config.stash[CLOSING]
    summary.write(reporter, closing.section)
    for text, colour in closing.told:
        reporter.write_line(text, **colour)
