"""Run the explorer without a terminal, press keys, and read the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_torchgraph.explorer.app import Explorer
from pytest_torchgraph.explorer.config import ExplorerConfig
from pytest_torchgraph.explorer.loading import Source
from pytest_torchgraph.explorer.lowering import plain

if TYPE_CHECKING:
    from textual.app import App
    from textual.pilot import Pilot

Play: TypeAlias = Callable[[Explorer, "Pilot[Any]"], Awaitable[None]]
PATIENCE = 30.0


async def loaded(app: Explorer, pilot: Pilot[Any]) -> None:
    """Wait until nothing is loading any more."""
    for _ in range(int(PATIENCE / 0.02)):
        await pilot.pause(0.02)
        if app.job is None and (app.subject is not None or not app.is_running):
            await pilot.pause()
            return
    raise AssertionError("still loading")


def play(
    source: Source, script: Play, *, size: tuple[int, int] = (120, 40), config: ExplorerConfig | None = None
) -> Explorer:
    """Explore *source* while *script* plays; returns the explorer after it has ended."""
    app = Explorer(source, config)

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await script(app, pilot)

    try:
        asyncio.run(run())
    finally:
        for thread in app.threads:
            thread.join(PATIENCE)
    return app


def screen(app: App[Any]) -> str:
    """What is seen, as text."""
    return "\n".join(
        "".join(segment.text for segment in strip).rstrip() for strip in app.screen._compositor.render_strips()
    )


def panel(app: Explorer) -> str:
    """What the panel says, also below what is seen."""
    return plain(app.view.lines)


def names(app: Explorer) -> list[str]:
    """The rows of the tree, by name."""
    return [row.name for row in app.outline.rows]


@contextmanager
def terminal_of(monkeypatch: Any, *keys: str) -> Iterator[list[Explorer]]:
    """Let the explorer believe in a terminal, load, press *keys* and quit; the explorers that ran are given."""
    from pytest_torchgraph.explorer import running

    ran: list[Explorer] = []
    plain_finish = running.finish

    async def pilot_of(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, Explorer)
        ran.append(app)
        await loaded(app, pilot)
        if app.is_running:
            await pilot.press(*keys, "q")

    def finish(app: Explorer, **options: Any) -> None:
        plain_finish(app, headless=True, auto_pilot=pilot_of, **options)

    with monkeypatch.context() as patched:
        patched.setattr(running, "finish", finish)
        patched.setattr(running, "require_terminal", lambda: None)
        yield ran
