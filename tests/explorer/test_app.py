"""The explorer does what its keys say."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from pytest_torchgraph.explorer.app import Explorer
from pytest_torchgraph.explorer.config import ExplorerConfig
from pytest_torchgraph.explorer.errors import CannotExplore
from pytest_torchgraph.explorer.keys import KEYS
from pytest_torchgraph.explorer.live import runs_timed
from pytest_torchgraph.explorer.loading import Job, Source
from pytest_torchgraph.explorer.panel import ALONE
from pytest_torchgraph.explorer.screens import Export, Help
from pytest_torchgraph.explorer.search import search
from pytest_torchgraph.explorer.sources import of_live, of_record, of_two
from pytest_torchgraph.explorer.subject import Subject
from tests.explorer.running import loaded, names, panel, play, screen
from tests.explorer.small import tower
from tests.explorer.test_tree import from_file, ran, valued

if TYPE_CHECKING:
    from textual.pilot import Pilot


@functools.cache
def source() -> Source:
    def stages(_: Job) -> Iterator[Subject]:
        yield ran()

    return Source("Tower", stages, lambda _: valued())


def with_keys(*keys: str, size: tuple[int, int] = (120, 40), **options: Any) -> tuple[Explorer, str]:
    """The explorer and its screen after *keys*."""
    seen: list[str] = []

    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await loaded(app, pilot)
        await pilot.press(*keys)
        await loaded(app, pilot)
        seen.append(screen(app))

    return play(source(), script, size=size, **options), seen[0]


def test_arrows_and_the_keys_of_vim_walk_through_the_tree() -> None:
    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await loaded(app, pilot)
        for keys in (("down", "down", "right", "right", "right"), ("j", "j", "l", "l", "l")):
            await pilot.press("C", "home", *keys)
            assert app.outline.row is not None
            assert app.outline.row.name == "0-2"
            assert app.outline.row.is_open
            await pilot.press("h")
        await pilot.press("C", "g", "j", "j", "enter", "enter", "G", "k", "g", "left", "right")
        assert names(app) == ["Tower", "embed", "layers", "head"]
        assert app.outline.cursor == 0
        await pilot.press("E", "G", "k", "h")
        assert app.outline.row is not None
        assert app.outline.row.path == "layers.0"

    play(source(), script)


def test_digits_open_to_a_depth_and_u_unfolds() -> None:
    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await loaded(app, pilot)
        await pilot.press("2", "j", "j", "j", "u")
        assert names(app) == ["Tower", "embed", "layers", "0", "1", "2", "head"]
        await pilot.press("u", "3", "g", "j", "j", "j", "j", "u", "C")
        assert names(app) == ["Tower", "embed", "layers", "head"]
        assert app.outline.state.unfolded == {"layers.0"}

    play(source(), script)


def test_the_panels_follow_the_cursor_unless_a_module_is_held() -> None:
    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await loaded(app, pilot)
        await pilot.press("j")
        assert panel(app).startswith("embed")
        await pilot.press("space", "j", "j")
        assert panel(app).startswith("embed")
        await pilot.pause()
        assert "◆ embed" in screen(app)
        await pilot.press("k", "k", "space", "j")
        assert panel(app).startswith("layers")

    play(source(), script)


def test_tab_goes_through_all_panels_and_back() -> None:
    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await loaded(app, pilot)
        for expected in (*ALONE, ALONE[0]):
            assert app.panel is expected
            await pilot.press("tab")
        await pilot.press("shift+tab", "shift+tab")
        assert app.panel is ALONE[-1]

    play(source(), script)


def test_a_search_filters_while_it_is_typed_and_escape_clears_it() -> None:
    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await loaded(app, pilot)
        await pilot.press("slash", "u", "p")
        assert names(app) == ["Tower", "layers", "0-2", "up"]
        await pilot.pause()
        assert "3 modules found" in screen(app)
        assert app.outline.row is not None
        assert app.outline.row.name == "up"
        await pilot.press("enter", "g", "n")
        assert app.outline.row.name == "up"
        await pilot.press("escape")
        assert names(app) == ["Tower", "embed", "layers", "0-2", "norm", "up", "down", "head"]
        assert app.outline.row.name == "up"
        await pilot.press("slash", *"parms", "greater_than_sign", "1")
        await pilot.pause()
        assert "did you mean 'params'?" in screen(app)
        assert len(names(app)) > 1

    play(source(), script)


def test_modules_are_measured_by_what_is_known() -> None:
    app, text = with_keys("m", "m")
    assert app.outline.measure.name == "time"
    assert "forward" in text
    app, _ = with_keys("M")
    assert app.outline.measure.name == "calls"


def test_the_cursor_of_the_memory_timeline_moves_and_goes_back_to_the_peak() -> None:
    app, _ = with_keys("less_than_sign")
    graph = ran().graph
    assert graph is not None
    assert app.cursor == graph.memory.peak_at - 1
    assert f"step {graph.memory.peak_at:,} of" in panel(app)
    app, _ = with_keys("less_than_sign", "w", "right", "p", "w")
    assert app.cursor is None


def test_values_are_looked_at_on_demand() -> None:
    app, text = with_keys("j", "v")
    assert app.subject is not None
    assert app.subject.values is not None
    assert "returned" in text


def test_values_of_a_file_are_refused_with_a_reason() -> None:
    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await loaded(app, pilot)
        await pilot.press("v")
        assert "no live model" in screen(app)

    graph = from_file().graph
    assert graph is not None
    play(of_record(graph), script)


def test_help_lists_the_keys_and_every_key_that_it_lists_is_bound() -> None:
    app, text = with_keys("question_mark")
    assert isinstance(app.screen_stack[-1] if app.screen_stack else Help(), Help)
    assert "hold the module in the panels, or let it go" in text
    bindings: list[Any] = [*Explorer.BINDINGS, *type(app.outline).BINDINGS, *type(app.view).BINDINGS]
    bound = {key for binding in bindings for key in binding.key.split(",")}
    listed = {key for _, keys in KEYS for name, _ in keys for key in name.replace("…", " ").split()}
    signs = "↑ up ↓ down → right ← left / slash ? question_mark < less_than_sign > greater_than_sign + plus - minus"
    words = f"{signs} Esc escape Enter enter Space space Tab tab Shift+Tab shift+tab".split()
    spelled = dict(zip(words[::2], words[1::2], strict=True))
    for name in listed - {"Ctrl+P"}:
        assert spelled.get(name, name) in bound, name


def test_the_palette_of_commands_runs_them() -> None:
    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await loaded(app, pilot)
        commands = {command.title: command for command in app.get_system_commands(app.screen)}
        assert {"Search", "Export", "Keys", "Theme", "Panel: Memory", "Measure by FLOPs"} <= commands.keys()
        commands["Panel: Memory"].callback()
        commands["Measure by FLOPs"].callback()
        await pilot.press("ctrl+p")
        await pilot.pause(0.2)
        await pilot.press("escape")

    app = play(source(), script)
    assert app.panel is not None
    assert (app.panel.name, app.outline.measure.name) == ("Memory", "flops")


@pytest.mark.parametrize("end", ["txt", "json", "html"])
def test_what_is_explored_is_exported_in_the_form_that_its_name_tells(end: str, tmp_path: Path) -> None:
    path = tmp_path / f"out.{end}"

    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await loaded(app, pilot)
        await pilot.press("e")
        dialog = app.screen
        assert isinstance(dialog, Export)
        dialog.query_one("#path").value = "nowhere.doc"  # type: ignore[attr-defined]
        await pilot.press("enter")
        await pilot.pause()
        assert "expected a name that ends in" in screen(app)
        dialog.query_one("#path").value = str(path)  # type: ignore[attr-defined]
        await pilot.press("enter")
        await pilot.pause()
        assert "written" in screen(app)

    play(source(), script)
    text = path.read_text(encoding="utf-8")
    assert {"txt": "LayerNorm(8)", "json": '"layers.2.down"', "html": "<details"}[end] in text
    if end == "json":
        assert json.loads(text)["parameters"]["total_params"] == 968


def test_the_mouse_chooses_opens_and_turns_panels() -> None:
    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await loaded(app, pilot)
        await pilot.click("#tree", offset=(6, 4))
        assert app.outline.row is not None
        assert app.outline.row.name == "head"
        await pilot.click("#tree", offset=(2, 3))
        assert "0-2" in names(app)
        await pilot.click("#tabs", offset=(12, 0))
        assert app.panel is ALONE[1]

    play(source(), script)


@pytest.mark.parametrize("size", [(80, 24), (200, 50), (40, 12), (20, 6)])
def test_it_can_be_used_at_any_size_and_resized(size: tuple[int, int]) -> None:
    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await loaded(app, pilot)
        await pilot.press("E", "j", "tab", "slash", "u", "p", "enter", "escape")
        for width, height in ((60, 15), (130, 30), size):
            await pilot.resize_terminal(width, height)
            await pilot.pause(0.05)
            lines = screen(app).splitlines()
            assert len(lines) <= height
            assert all(len(line) <= width for line in lines)
        assert "Tower" in screen(app)

    play(source(), script, size=size)


def test_two_models_are_explored_with_what_changed() -> None:
    before, tokens = tower()
    after, _ = tower()
    after.layers[0] = nn.Identity()

    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await loaded(app, pilot)
        assert "Findings" in screen(app)
        await pilot.press("slash", *"changed", "enter")
        assert "layers" in names(app)
        await pilot.press("tab")
        assert "side by side" in panel(app)

    app = play(of_two(of_live(before, tokens), of_live(after, tokens)), script)
    assert app.subject is not None
    assert app.subject.comparison is not None
    assert app.subject.comparison.drifted


class Slow(nn.Module):
    """Waits in its second module until it is let go on, and counts its calls."""

    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(()))
        self.first, self.second = Waiting(), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        return self.second(self.first(x))


class Waiting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.reached, self.go_on = threading.Event(), threading.Event()

    def forward(self, x: Tensor) -> Tensor:
        self.reached.set()
        self.go_on.wait(30)
        return x


def test_a_run_that_is_given_up_leaves_the_modules_to_explore_and_the_model_as_it_was() -> None:
    model = Slow()

    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        while not model.first.reached.is_set():
            await pilot.pause(0.02)
        assert names(app) == ["Slow", "first", "second"]
        await pilot.pause(0.3)
        assert "Esc gives up" in screen(app)
        await pilot.press("down", "escape")
        assert app.job is None
        await pilot.pause()
        assert "recording: given up" in screen(app)
        assert app.outline.cursor == 1
        model.first.go_on.set()
        for thread in app.threads:
            thread.join(30)
        await pilot.pause()
        assert app.subject is not None
        assert app.subject.graph is None

    play(of_live(model, torch.ones(1, 2)), script)
    assert model.count == 0
    assert model.second.weight.grad is None


def test_quitting_while_a_model_runs_waits_until_it_is_put_back() -> None:
    from pytest_torchgraph.explorer.running import finish

    model = Slow()

    async def leave(pilot: Pilot[Any]) -> None:
        while not model.first.reached.is_set():
            await pilot.pause(0.02)
        threading.Timer(0.3, model.first.go_on.set).start()
        await pilot.press("q")

    app = Explorer(of_live(model, torch.ones(1, 2)))
    finish(app, headless=True, auto_pilot=leave)
    assert all(not thread.is_alive() for thread in app.threads)
    assert model.count == 0


def test_what_cannot_be_loaded_ends_the_explorer_with_the_reason() -> None:
    from pytest_torchgraph.explorer.running import finish

    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise KeyError("hidden")

    async def wait(pilot: Pilot[Any]) -> None:
        for _ in range(500):
            await pilot.pause(0.02)
            if pilot.app.return_value is not None:
                return

    with pytest.raises(KeyError, match="hidden"):
        finish(Explorer(of_live(Broken(), torch.ones(1))), headless=True, auto_pilot=wait)


def test_reading_can_be_given_up_anywhere() -> None:
    ended = threading.Event()

    def stages(job: Job) -> Iterator[Subject]:
        with job.pure("reading"):
            try:
                while True:
                    pass
            finally:
                ended.set()
        yield ran()

    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await pilot.pause(0.2)
        await pilot.press("escape")
        assert ended.wait(10)
        assert app.subject is None

    play(Source("endless", stages), script)


def test_a_scheme_that_nobody_knows_is_refused_with_what_there_is() -> None:
    with pytest.raises(ValueError, match="there is no colour scheme 'lihgt'; did you mean 'light'"):
        Explorer(source(), ExplorerConfig(color_scheme="lihgt"))
    app, _ = with_keys(config=ExplorerConfig(color_scheme="light"))
    assert not app.current_theme.dark


def test_without_colour_nothing_is_coloured_and_the_cursor_is_still_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    styles: list[list[Any]] = []

    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await loaded(app, pilot)
        strips = [app.outline.render_line(y) for y in range(4)]
        styles.extend([segment.style for segment in strip] for strip in strips)
        assert app.console.color_system is None

    play(source(), script)
    assert all(style is None or (style.color is None and style.bgcolor is None) for line in styles for style in line)
    assert all(style is not None and style.reverse for style in styles[1])
    assert not any(style is not None and style.reverse for style in styles[2])


def test_a_large_model_is_told_of_and_searched_beside_the_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_torchgraph.explorer.subject.LARGE", 3)
    main, told = threading.get_ident(), []

    def seen(*given: Any) -> Any:
        told.append(threading.get_ident() != main)
        return search(*given)

    monkeypatch.setattr("pytest_torchgraph.explorer.app.search", seen)

    async def settled(pilot: Pilot[Any], is_so: Callable[[], bool]) -> None:
        for _ in range(500):
            await pilot.pause(0.02)
            if is_so():
                return
        raise AssertionError("it never came")

    async def script(app: Explorer, pilot: Pilot[Any]) -> None:
        await loaded(app, pilot)
        await pilot.press("j")
        await settled(pilot, lambda: panel(app).startswith("embed"))
        await pilot.press("slash", "u", "p")
        await settled(pilot, lambda: names(app) == ["Tower", "layers", "0-2", "up"])
        await pilot.press("escape")
        await settled(pilot, lambda: "embed" in names(app))

    play(source(), script)
    assert told
    assert all(told)


def test_a_large_or_meta_model_is_not_timed_unasked() -> None:
    assert runs_timed(tower()[0]) == 1
    assert runs_timed(tower()[0].to("meta")) == 0
    assert runs_timed(nn.Sequential(*(nn.Identity() for _ in range(2_001)))) == 0


def test_a_fault_of_the_explorer_itself_is_told_after_the_terminal_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pytest_torchgraph.explorer.running import finish

    def faulty(*_: Any) -> None:
        raise ZeroDivisionError("planted")

    async def wait(pilot: Pilot[Any]) -> None:
        await pilot.pause(0.5)

    monkeypatch.setattr("pytest_torchgraph.explorer.app.Chosen", faulty)
    with pytest.raises((CannotExplore, ZeroDivisionError)):
        finish(Explorer(source()), headless=True, auto_pilot=wait)
