"""How a failed check fails its test: at once, or together with the others once the test has made all its checks."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_torchgraph.plugin.location import SUFFIX, address, is_base, node_id
from pytest_torchgraph.plugin.session.events import LEDGER
from pytest_torchgraph.plugin.settings import settings
from pytest_torchgraph.words.counting import times
from pytest_torchgraph.words.printable import printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEPT = pytest.StashKey[list[str]]()
_TOLD = pytest.StashKey[str]()


def begin(item: pytest.Item) -> None:
    """Before fixtures are made: keep the failures of *item* from now on, where all its checks are wanted."""
    item.stash[_TOLD] = ""
    if settings(item.config).making_all:
        item.stash[_KEPT] = []


def fail(item: pytest.Item, text: str) -> None:
    """Fail the test with *text*, or keep that for its end; in its teardown it fails at once."""
    __tracebackhide__ = True
    shown, kept = printable_lines(text), item.stash.get(_KEPT, None)
    if kept is None:
        pytest.fail(shown + _not_compared(item), pytrace=False)
    if shown not in kept:
        kept.append(shown)


def mistake(item: pytest.Item, error: ValueError) -> BaseException:
    """The failure, in one line, of a check of *item* with an argument that cannot be used: nothing was written."""
    return pytest.fail.Exception(f"{node_id(item)}: {error}", pytrace=False)


def _not_compared(item: pytest.Item) -> str:
    """That the test has further snapshots which no check asked for yet, and the option that compares them too."""
    from pytest_torchgraph.snapshot.owner import owner_of

    first = address(item, "").path
    claims = item.config.stash[LEDGER].claims
    begin = f"{first.name.removesuffix(SUFFIX)}."
    beside = (path for path in _files(first.parent) if path.name.startswith(begin))
    left = [path for path in beside if path.with_name(path.name.casefold()) not in claims and is_base(path.name)]
    count = sum(owner_of(path) == node_id(item) for path in left)
    if not count:
        return ""
    which = "another snapshot of this test was" if count == 1 else f"{count} other snapshots of this test were"
    return f"\n  {which} not compared; pytest --torchgraph-all compares all before it fails"


def _files(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


@contextmanager
def together(item: pytest.Item) -> Iterator[None]:
    """Fail the test at the end of its body with all that was kept; a test that skips itself then fails, too."""
    __tracebackhide__ = True
    try:
        yield
    except pytest.skip.Exception:
        _end(item)
        if told := item.stash.get(_TOLD, ""):
            raise pytest.fail.Exception(told, pytrace=False) from None
        raise
    finally:
        _end(item)
    if told := item.stash.get(_TOLD, ""):  # nothing where a plugin runs the body again without its setup
        pytest.fail(told, pytrace=False)


def _end(item: pytest.Item) -> None:
    kept = item.stash.get(_KEPT, None)
    if kept is None:
        return
    del item.stash[_KEPT]
    head = f"{node_id(item)}: {times(len(kept), 'check')} failed\n\n" if len(kept) > 1 else ""
    item.stash[_TOLD] = head + "\n\n".join(kept)


def complete(item: pytest.Item, report: pytest.TestReport) -> None:
    """Add to *report* what was kept, where something else made the test fail, or its setup ended early."""
    if report.when == "setup" and not report.passed:
        _end(item)
    if _KEPT in item.stash:
        return  # the body still runs, or is to run: this is the report of its setup or of a subtest
    told, item.stash[_TOLD] = item.stash.get(_TOLD, ""), ""
    if not told or told in str(report.longrepr):
        return
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", told
    else:
        report.sections.append(("torchgraph: checks that failed as well", told))
