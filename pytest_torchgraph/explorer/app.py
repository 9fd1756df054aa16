"""The explorer: a tree of modules beside panels that tell of the one that is chosen."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from pytest_torchgraph.explorer.config import SCHEMES, ExplorerConfig
from pytest_torchgraph.explorer.lines import Foot, head_of
from pytest_torchgraph.explorer.loading import Beside, Job, Source, started
from pytest_torchgraph.explorer.measure import known_measures
from pytest_torchgraph.explorer.palette import THEMES
from pytest_torchgraph.explorer.panel import MEMORY, VALUES, Panel, panels_of
from pytest_torchgraph.explorer.panels.chosen import Chosen
from pytest_torchgraph.explorer.panels.memory import position
from pytest_torchgraph.explorer.rows import Rows, State
from pytest_torchgraph.explorer.screens import Export, Help
from pytest_torchgraph.explorer.search import HINTS, search
from pytest_torchgraph.explorer.widgets.bar import Bar
from pytest_torchgraph.explorer.widgets.panel import PanelView
from pytest_torchgraph.explorer.widgets.tabs import PanelTabs
from pytest_torchgraph.explorer.widgets.tree import ModuleTree
from pytest_torchgraph.recorded.collector import collector_paused
from pytest_torchgraph.words.nearest import nearest
from pytest_torchgraph.words.printable import printable

if TYPE_CHECKING:
    from textual import events
    from textual.screen import Screen

    from pytest_torchgraph.analysis.scaling import ByBatch
    from pytest_torchgraph.explorer.search import Found
    from pytest_torchgraph.explorer.subject import Subject
    from pytest_torchgraph.recorded.activation import Values

TICK = 0.1
STEPS = 100
"""Moves of the cursor from one end of the memory timeline to the other."""


def theme_of(config: ExplorerConfig, known: Iterable[str]) -> str:
    """The theme that *config* asks for; raises ``ValueError`` with what is near for one that nobody knows."""
    name = SCHEMES.get(config.color_scheme, config.color_scheme)
    if name not in known:
        near = nearest(name, [*SCHEMES, *known])
        raise ValueError(f"there is no colour scheme {name!r}{near} There are: dark, light, {', '.join(sorted(known))}")
    return name


def measure_first_rows(subject: Subject) -> None:
    """Measure what is seen first, so that it need not be done while it is drawn."""
    rows = Rows(subject).of(State())
    for measure in known_measures(subject):
        for row in rows:
            measure.amount(subject, row.modules)


class Explorer(App[BaseException]):
    """Explores one source; its result is what kept the source from being loaded."""

    CSS_PATH = "app.tcss"
    TITLE = "torchgraph"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 -- Textual declares no class variable
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "panel(1)", "Next panel", show=False, priority=True),
        Binding("shift+tab", "panel(-1)", "Previous panel", show=False, priority=True),
        Binding("slash", "search", "Search", show=False),
        Binding("n", "found(1)", "Next found", show=False),
        Binding("N", "found(-1)", "Previous found", show=False),
        Binding("w", "switch", "Tree or panel", show=False),
        Binding("J", "scroll(3)", "Scroll the panel down", show=False),
        Binding("K", "scroll(-3)", "Scroll the panel up", show=False),
        Binding("less_than_sign", "step(-1)", "Memory cursor back", show=False),
        Binding("greater_than_sign", "step(1)", "Memory cursor on", show=False),
        Binding("p", "peak", "Memory cursor to the peak", show=False),
        Binding("v", "values", "Look at values", show=False),
        Binding("e", "export", "Export", show=False),
        Binding("question_mark", "help", "Keys", show=False),
        Binding("escape", "leave", "Clear, or give up", show=False),
        Binding("q", "quit", "Quit", show=False),
    ]

    def __init__(self, source: Source, config: ExplorerConfig | None = None) -> None:
        super().__init__()
        if self.no_color:
            self.console._color_system = None  # noqa: SLF001 -- greys, which Textual leaves, are colours too
        self.head, self.outline, self.tabs = (
            Bar("title", ((f" {printable(source.title)}", "head"),)),
            ModuleTree(),
            PanelTabs(),
        )
        self.view, self.foot = PanelView(), Foot()
        self.field = Input(placeholder=HINTS, id="search", select_on_focus=False)
        self.source = source
        self.config = config or ExplorerConfig()
        self.subject: Subject | None = None
        self.panel: Panel | None = None
        self.cursor: int | None = None
        self.job: Job | None = None
        self.threads: list[threading.Thread] = []
        self.telling, self.looking = Beside(self.call_soon), Beside(self.call_soon)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = theme_of(self.config, self.available_themes)

    def compose(self) -> ComposeResult:
        """The screen."""
        yield self.head
        with Horizontal(id="body"):
            yield self.outline
            with Vertical(id="side"):
                yield self.tabs
                yield self.view
        yield self.field
        yield self.foot

    def on_mount(self) -> None:
        """Begin to load."""
        self.outline.focus()
        self.set_interval(TICK, self._tick)
        self.load()

    def load(self) -> None:
        """Load the source in a thread; every stage is shown as it comes."""
        job = self.job = Job()

        def work() -> None:
            # A collector that looks for cycles among a million records would hold up everything else for seconds.
            with collector_paused():
                for subject in self.source.stages(job):
                    measure_first_rows(subject)
                    job.check()
                    self.call_soon(partial(self.show, subject))
                # What was loaded lives as long as the explorer: the collector need not walk it again and again.
                gc.freeze()
            self.call_soon(partial(self.done, job))

        self.threads.append(started(work, lambda error: self.call_soon(partial(self.failed, job, error))))

    def call_soon(self, call: Callable[[], None]) -> None:
        """Let the interface do *call*, from another thread; nothing where it has ended."""
        if self.is_running and self._loop is not None:
            self._loop.call_soon_threadsafe(lambda: self.call_later(call))

    def show(self, subject: Subject) -> None:
        """Show *subject*."""
        self.subject = subject
        panels = panels_of(subject)
        if self.panel not in panels:
            self.panel = panels[0]
        self.head.show(head_of(subject))
        self.outline.show(subject)
        self._show_panel()

    def done(self, job: Job) -> None:
        """All is loaded."""
        if self.job is job:
            self.job = None
        self._tick()

    def failed(self, job: Job, error: BaseException) -> None:
        """What was to be explored cannot be."""
        if self.job is job:
            self.job = None
            self.exit(error)

    def _tick(self) -> None:
        self.foot.working(self.job)

    def say(self, text: str) -> None:
        """Say *text* in the last line."""
        self.foot.working(self.job)
        self.foot.say(text)

    def on_module_tree_chosen(self, _: ModuleTree.Chosen) -> None:
        """Tell of another module."""
        self._show_panel()

    def _show_panel(self, *, keep: bool = False) -> None:
        row = self.outline.chosen
        if self.subject is None or self.panel is None or row is None:
            return
        panels = panels_of(self.subject)
        self.tabs.show(tuple(one.name for one in panels), panels.index(self.panel))
        blocks = partial(self.panel.blocks, self.subject, Chosen(row.modules, self.cursor))
        if self.subject.is_large:
            self.telling.work_out(blocks, partial(self.view.show, keep=keep), self.exit)
        else:
            self.view.show(blocks(), keep=keep)

    def show_panel(self, panel: Panel) -> None:
        """Show another panel."""
        self.panel = panel
        self._show_panel()

    def action_panel(self, by: int) -> None:
        """Show the next panel, or the one before."""
        if self.subject is not None and self.panel is not None and len(self.screen_stack) == 1:
            panels = panels_of(self.subject)
            self.show_panel(panels[(panels.index(self.panel) + by) % len(panels)])

    def on_panel_tabs_clicked(self, event: PanelTabs.Clicked) -> None:
        """Show the panel that was clicked."""
        if self.subject is not None:
            self.show_panel(panels_of(self.subject)[event.place])

    def on_panel_view_moved(self, event: PanelView.Moved) -> None:
        """Move the cursor of the timeline."""
        self.action_step(event.by)

    def action_step(self, by: int) -> None:
        """Move the cursor of the memory timeline."""
        subject = self.subject
        if subject is None or subject.graph is None or subject.known != "run":
            return
        step = max(len(subject.graph.operations) // STEPS, 1)
        self.cursor = position(subject, position(subject, self.cursor) + by * step)
        self.panel = MEMORY
        self._show_panel(keep=True)

    def action_peak(self) -> None:
        """Put the cursor of the memory timeline to the peak."""
        if self.subject is not None and self.subject.known == "run":
            self.cursor, self.panel = None, MEMORY
            self._show_panel(keep=True)

    def action_switch(self) -> None:
        """From the tree to the panel, and back."""
        (self.view if self.outline.has_focus else self.outline).focus()

    def action_scroll(self, by: int) -> None:
        """Scroll the panel."""
        self.view.scroll_relative(y=by, animate=False)

    def action_search(self) -> None:
        """Ask what to look for."""
        self.field.add_class("-open")
        self.field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for it while it is typed."""
        if event.input.id == "search" and self.subject is not None:
            look = partial(search, self.subject, event.value)
            if self.subject.is_large:
                self.looking.work_out(look, self.found, self.exit)
            else:
                self.found(look())

    def found(self, found: Found | None) -> None:
        """Show what was found."""
        self.outline.find(found)
        self.foot.told(found)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep what was found."""
        if event.input.id == "search":
            event.input.remove_class("-open")
            self.outline.focus()

    def action_found(self, by: int) -> None:
        """Go to the next row that was found."""
        rows, cursor = self.outline.rows, self.outline.cursor
        places = [(cursor + by * step) % len(rows) for step in range(1, len(rows))] if rows else []
        at = next((place for place in places if rows[place].matches), None)
        if at is not None:
            self.outline.action_move(at - cursor)

    def action_leave(self) -> None:
        """Clear what is looked for; then give up what is loading."""
        if self.field.value or self.field.has_class("-open"):
            self.field.value = ""
            self.field.remove_class("-open")
            self.looking.forget()
            self.found(None)
            self.outline.focus()
        elif self.job is not None:
            self.give_up()

    def give_up(self) -> None:
        """Give up what is loading."""
        if self.job is not None:
            doing, self.job = self.job.doing, self.cancelled(self.job)
            self.say(f"{doing}: given up")

    @staticmethod
    def cancelled(job: Job) -> None:
        """Cancel *job*."""
        job.cancel()

    def action_values(self) -> None:
        """Look at values, and tell of them."""
        if self.subject is None or self.source.values is None or self.job is not None:
            self.say("there is no live model whose values could be looked at" if self.job is None else "still busy")
            return
        job, look, grow = Job("looking at values"), self.source.values, self.source.growth
        self.job, self.panel = job, VALUES
        self._show_panel()

        def work() -> None:
            found = look(job)
            job.check()
            growth = None if grow is None else grow(job)
            job.check()
            self.call_soon(partial(self.valued, job, found, growth))

        self.threads.append(started(work, lambda error: self.call_soon(partial(self.valueless, job, error))))

    def valued(self, job: Job, values: Values, growth: ByBatch | None) -> None:
        """Show *values*, and how the model grows."""
        if self.job is job and self.subject is not None:
            self.job = None
            self.show(self.subject.with_values(values, growth))

    def valueless(self, job: Job, error: BaseException) -> None:
        """Values cannot be had."""
        if self.job is job:
            self.job = None
            self.say(f"no values: {type(error).__name__}: {error}")

    def action_export(self) -> None:
        """Write a summary."""
        if self.subject is not None:
            self.push_screen(Export(self.subject), self._exported)

    def _exported(self, said: str | None) -> None:
        if said:
            self.say(said)

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(Help())

    def on_resize(self, _: events.Resize) -> None:
        """Draw anew."""
        self.call_after_refresh(self._show_panel, keep=True)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:  # noqa: ARG002 -- Textual passes it
        """What the command palette offers."""
        yield SystemCommand("Search", HINTS, self.action_search)
        yield SystemCommand("Open everything", "All modules", self.outline.action_open_all)
        yield SystemCommand("Close everything", "The outermost modules alone", self.outline.action_close_all)
        if self.subject is not None:
            for panel in panels_of(self.subject):
                yield SystemCommand(f"Panel: {panel.name}", panel.meaning, partial(self.show_panel, panel))
            for measure in known_measures(self.subject):
                told = f"Measure by {measure.head}"
                yield SystemCommand(told, measure.meaning, partial(self.outline.measure_by, measure))
        yield SystemCommand("Look at values", "Activations and gradients: the model runs once more", self.action_values)
        yield SystemCommand("Export", "Text, JSON or a page", self.action_export)
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        yield SystemCommand("Keys", "List them", self.action_help)
        yield SystemCommand("Quit", "Leave the explorer", self.action_quit)

    def watch_theme(self) -> None:
        """Draw anew in other colours."""
        for widget in (self.head, self.outline, self.tabs, self.view, self.foot):
            widget.refresh()
