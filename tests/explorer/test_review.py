"""What waits is gone through with the functions of ``torchgraph review``."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_torchgraph import trace
from pytest_torchgraph.cli.review.explored import Reviewing
from pytest_torchgraph.comparison import compare
from pytest_torchgraph.explorer.lowering import plain
from pytest_torchgraph.explorer.review import Review, Sure
from pytest_torchgraph.report.review import waiting
from pytest_torchgraph.snapshot.pending import pending_path, write_pending
from pytest_torchgraph.snapshot.recorded import recorded_line
from pytest_torchgraph.snapshot.writer import write
from tests.explorer.running import screen
from tests.explorer.small import pictures, tower

if TYPE_CHECKING:
    from textual.pilot import Pilot


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two snapshots that wait with one change in common, the second with one more."""
    monkeypatch.chdir(tmp_path)
    (before, tokens), (after, _) = tower(), tower()
    del after.layers[2]
    waits(tmp_path / "one.torchgraph", trace(before, tokens), trace(after, tokens))
    model, x = pictures()
    plain_graph = trace(model, x)
    other, _ = pictures()
    other.relu.inplace = False
    waits(tmp_path / "two.torchgraph", plain_graph, trace(other.eval(), x))
    return tmp_path


def waits(path: Path, before: Any, after: Any) -> None:
    """Let *after* wait for review in the place of *before* at *path*."""
    text = write(before.canonical, test=f"test_{path.stem}.py::test", recorded=recorded_line(before))
    path.write_text(text, encoding="utf-8")
    new = write(after.canonical, test=f"test_{path.stem}.py::test", recorded=recorded_line(after))
    found = waiting(compare(before, after), test=f"test_{path.stem}.py::test", before=path.read_bytes(), text=new)
    pending_path(path).write_text(write_pending(found), encoding="utf-8")


def play(script: Callable[[Review, Pilot[Any]], Awaitable[None]]) -> Reviewing:
    reviewing = Reviewing(argparse.Namespace(paths=[], change=[], all=False))
    app = Review(reviewing)

    async def run() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            await script(app, pilot)

    asyncio.run(run())
    return reviewing


def panel(app: Review) -> str:
    return plain(app.view.lines)


def test_each_change_is_told_in_full_and_another_is_a_key_away(project: Path) -> None:
    async def script(app: Review, pilot: Pilot[Any]) -> None:
        first = app.entry
        assert first is not None
        assert first.title in " ".join(screen(app).split())
        assert "test_one.py::test" in panel(app)
        await pilot.press("j")
        assert app.entry is not None
        assert app.entry.fingerprint != first.fingerprint
        await pilot.press("k", "s")
        assert app.entry.fingerprint != first.fingerprint
        await pilot.press("t")
        assert "tests  1 test" in panel(app)
        await pilot.press("d")
        assert "torchgraph" in panel(app)
        assert any(line.lstrip().startswith(("+", "-")) for line in panel(app).splitlines())

    reviewing = play(script)
    assert reviewing.code() == 1
    assert len(list(project.glob("*.new"))) == 2


def test_accepting_a_snapshots_only_change_replaces_it(project: Path) -> None:
    async def script(app: Review, pilot: Pilot[Any]) -> None:
        names = [entry.fingerprint for entry in app.left if entry.tests == ("test_one.py::test",)]
        for name in names:
            app.choice.action_move([entry.fingerprint for entry in app.left].index(name) - app.choice.at)
            await pilot.press("a")
            assert f"accepted change {name}" in panel(app)

    play(script)
    assert not (project / "one.torchgraph.new").exists()
    assert "layers.0-1" in (project / "one.torchgraph").read_text(encoding="utf-8")
    assert (project / "two.torchgraph.new").exists()


def test_rejecting_drops_what_waits_and_keeps_the_snapshot(project: Path) -> None:
    kept = (project / "one.torchgraph").read_bytes()

    async def script(app: Review, pilot: Pilot[Any]) -> None:
        while app.entry is not None and app.entry.tests != ("test_one.py::test",):
            await pilot.press("j")
        await pilot.press("r")
        assert "rejected" in panel(app)

    play(script)
    assert not (project / "one.torchgraph.new").exists()
    assert (project / "one.torchgraph").read_bytes() == kept


def test_all_that_is_left_is_answered_only_when_one_is_sure(project: Path) -> None:
    async def script(app: Review, pilot: Pilot[Any]) -> None:
        await pilot.press("A")
        assert isinstance(app.screen, Sure)
        await pilot.press("n")
        assert app.left
        await pilot.press("A", "y")
        await pilot.pause()
        assert not app.left
        assert "nothing is left to review" in screen(app)
        await pilot.press("a", "r", "A", "R", "s", "t", "j", "question_mark", "escape")

    assert play(script).code() == 0
    assert not list(project.glob("*.new"))


def test_a_snapshot_that_changed_meanwhile_is_told_and_kept(project: Path) -> None:
    async def script(app: Review, pilot: Pilot[Any]) -> None:
        (project / "one.torchgraph").write_text("changed", encoding="utf-8")
        (project / "two.torchgraph").write_text("changed", encoding="utf-8")
        await pilot.press("a")
        assert "has changed since its test ran" in " ".join(panel(app).split())

    play(script)
    assert (project / "one.torchgraph").read_text(encoding="utf-8") == "changed"
