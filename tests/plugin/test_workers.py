"""The plugin under xdist, and how the summary groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_torchgraph.plugin.session.events import Event, Ledger, pack, unpack
from pytest_torchgraph.plugin.session.summary import lines

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

XDIST = ("-p", "xdist.plugin", "-n", "2")
MANY = """
    import pytest
    from stubs import *

    @pytest.mark.parametrize("n", range(6))
    def test_many(torch_graph, n):
        torch_graph.check(graph(*[ADD] * (n + 1){more}))
"""
GROUPED = MANY.replace("    @pytest", "    @pytest.mark.xdist_group('one')\n    @pytest", 1)


def test_workers_record_compare_and_report_through_the_controller(apart: Project) -> None:
    apart.write({"test_m.py": MANY.format(more="")})
    result = apart.run(*XDIST, "--torchgraph-update")
    assert result.outcomes() == {"passed": 6}
    assert len([line for line in result.section() if line.startswith("recorded ")]) == 6
    assert len(apart.snapshots()) == 6
    assert apart.run(*XDIST).section() == []
    apart.write({"test_m.py": MANY.format(more=", CLONE")})
    result = apart.run(*XDIST)
    assert result.outcomes() == {"failed": 6}
    assert result.section()[0].endswith("6 tests") or "6 tests" in result.section()[0]


def test_groups_of_xdist_do_not_enter_names(apart: Project) -> None:
    apart.write({"test_m.py": GROUPED.format(more=""), "pytest.ini": "[pytest]\nmarkers = xdist_group\n"})
    result = apart.run(*XDIST, "--dist", "loadgroup", "--torchgraph-update")
    assert result.outcomes() == {"passed": 6}
    assert not any("@" in name or "@" in text for name, text in apart.snapshots().items())
    assert apart.run().code == 0


def test_a_crashed_worker_judges_nothing_unused(apart: Project) -> None:
    apart.write({"test_m.py": MANY.format(more="")})
    assert apart.run("--torchgraph-update").code == 0
    crash = "\n    def test_crash():\n        import os\n        os._exit(1)\n"
    apart.write({"test_m.py": MANY.format(more="").replace("range(6)", "range(3)") + crash})
    result = apart.run(*XDIST, "--torchgraph-update")
    assert result.code == 1
    assert len(apart.snapshots()) == 6
    assert not any("unused" in line for line in result.section())


def event(test: str, what: str, *changes: str, **more: object) -> Event:
    return Event(test=test, path=f"snapshots/{test}", what=what, text="+4 aten.clone", changes=changes, **more)  # type: ignore[arg-type]


def test_drifts_are_grouped_by_what_changed_the_most_frequent_first() -> None:
    events = [event("a", "drift", "1111"), event("b", "drift", "2222"), event("c", "drift", "2222")]
    events.append(event("d", "drift", "2222", "1111"))
    shown = [text for text, _ in lines(Ledger(events={one.test: [one] for one in events}))]
    assert shown == [
        "change 2222: 2 tests, for example b: +4 aten.clone",
        "  drifted snapshots/b",
        "  drifted snapshots/c",
        "drifted snapshots/a: +4 aten.clone (change 1111)",
        "drifted snapshots/d: +4 aten.clone (change 2222 and 1 more)",
    ]


def test_a_note_is_told_once() -> None:
    events = [event(test, "same", notes=("cold",)) for test in "abc"]
    shown = [text for text, _ in lines(Ledger(events={one.test: [one] for one in events}))]
    assert shown == ["note 3 snapshots, for example snapshots/a: cold"]


def test_a_run_in_which_everything_matched_says_nothing() -> None:
    assert lines(Ledger(events={"a": [event("a", "same")]})) == []


@pytest.mark.parametrize("notes", [(), ("one", "two")])
def test_events_survive_the_way_through_a_report(notes: tuple[str, ...]) -> None:
    events = [event("a", "drift", "1111", notes=notes)]
    assert unpack(pack("a", events)) == ("a", events)
