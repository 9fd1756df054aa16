"""Go through what waits for review: changes on one side, the one at hand in full on the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from pytest_torchgraph.explorer.app import theme_of
from pytest_torchgraph.explorer.block import Block, Heading, Line, Role, Spans, line
from pytest_torchgraph.explorer.config import ExplorerConfig
from pytest_torchgraph.explorer.palette import THEMES
from pytest_torchgraph.explorer.widgets.bar import Bar
from pytest_torchgraph.explorer.widgets.choice import Choice
from pytest_torchgraph.explorer.widgets.panel import PanelView
from pytest_torchgraph.words.counting import times

if TYPE_CHECKING:
    from pytest_torchgraph.explorer.waiting import Entry, Reviewing

KEYS = (
    ("a", "accept"),
    ("r", "reject"),
    ("s", "skip"),
    ("A", "accept all that is left"),
    ("R", "reject all that is left"),
    ("t", "every test"),
    ("d", "whole diff"),
    ("?", "keys"),
    ("q", "quit"),
)
HELP = """\
  a      accept this change; a snapshot with no other open change is replaced
  r      reject this change: what waits with it is dropped, the snapshots stay
  s      skip it: it goes on waiting
  A  R   accept, reject this change and all that is left; asks first
  t      name every test that it was made in, or only the first
  d      the whole diff of its first snapshot; again, of the next
  ↑ ↓    another change (j k)
  J  K   scroll what is told of it
  w      from the list to the panel and back
  q      quit: what was not answered goes on waiting"""
FOOT: Spans = tuple(span for key, meaning in KEYS for span in ((f" {key} ", "accent"), (f"{meaning} ", "faint")))


class Sure(ModalScreen[bool]):
    """Asks before what is left is answered all at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes", show=False),
        Binding("n,escape,q", "dismiss(False)", "No", show=False),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self.question = question

    def compose(self) -> ComposeResult:
        """The dialog."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "sure?"
            yield Static(f"{self.question}\n\n  y  yes     n  no", markup=False)


class Keys(ModalScreen[None]):
    """The keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "Close", show=False)]

    def compose(self) -> ComposeResult:
        """The dialog."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "keys"
            dialog.border_subtitle = "Esc closes"
            yield Static(HELP, markup=False)


class Review(App[None]):
    """Accepts and rejects what waits, change by change."""

    CSS_PATH = "app.tcss"
    TITLE = "torchgraph review"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 -- Textual declares no class variable
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "accept", "Accept", show=False),
        Binding("r", "reject", "Reject", show=False),
        Binding("s", "skip", "Skip", show=False),
        Binding("A", "accept_all", "Accept all that is left", show=False),
        Binding("R", "reject_all", "Reject all that is left", show=False),
        Binding("t", "tests", "Every test", show=False),
        Binding("d", "diff", "Whole diff", show=False),
        Binding("w,tab", "switch", "List or panel", show=False, priority=True),
        Binding("J", "scroll(3)", "Scroll down", show=False),
        Binding("K", "scroll(-3)", "Scroll up", show=False),
        Binding("question_mark", "help", "Keys", show=False),
        Binding("q,escape", "quit", "Quit", show=False),
    ]

    def __init__(self, reviewing: Reviewing, config: ExplorerConfig | None = None) -> None:
        super().__init__()
        if self.no_color:
            self.console._color_system = None  # noqa: SLF001 -- greys, which Textual leaves, are colours too
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = theme_of(config or ExplorerConfig(), self.available_themes)
        self.reviewing = reviewing
        self.left: list[Entry] = []
        self.said: tuple[str, ...] = ()
        self.in_full = False
        self.diffs = 0
        self.head, self.choice, self.view, self.foot = Bar("title"), Choice(), PanelView(), Bar("foot")

    def compose(self) -> ComposeResult:
        """The screen."""
        yield self.head
        with Horizontal(id="body"):
            yield self.choice
            with Vertical(id="side"):
                yield self.view
        yield self.foot

    def on_mount(self) -> None:
        """List what waits."""
        self.foot.show(FOOT)
        self.choice.focus()
        self._listed()

    @property
    def entry(self) -> Entry | None:
        """The change at hand."""
        return self.left[self.choice.at] if self.choice.at < len(self.left) else None

    def _listed(self, skipped: str = "") -> None:
        """List what is left; after an answer the cursor is on the next one."""
        self.left = self.reviewing.entries()
        place = self.choice.at
        if skipped:
            names = [entry.fingerprint for entry in self.left]
            place = names.index(skipped) + 1 if skipped in names else place
        rows: tuple[Spans, ...] = tuple(
            ((entry.fingerprint, "accent"), (f"  {times(len(entry.tests), 'test'):>10}  ", "faint"), (entry.title, ""))
            for entry in self.left
        )
        self.choice.show(rows, min(place, max(len(rows) - 1, 0)))
        waits = f"  {times(len(self.left), 'change')} to review" if self.left else "  nothing is left to review"
        self.head.show(((" review", "head"), (waits, "faint" if self.left else "good")))
        self._told()

    def on_choice_moved(self, _: Choice.Moved) -> None:
        """Tell of another change."""
        self.said, self.in_full, self.diffs = (), False, 0
        self._told()

    def _told(self) -> None:
        self.view.show(tuple(self._blocks()))

    def _blocks(self) -> Iterator[Block]:
        if self.said:
            yield from (line((text, "warn")) for text in self.said)
            yield Line(())
        entry = self.entry
        if entry is not None:
            yield from (_line_of(text, number) for number, text in enumerate(entry.lines))
            if self.in_full:
                yield Heading("tests", times(len(entry.tests), "test"))
                yield from (line(test) for test in entry.tests)
        notes = self.reviewing.notes()
        if notes:
            yield Heading("besides")
            yield from (line((note, "faint")) for note in notes)
        if entry is None and not self.said and not notes:
            yield line(("Nothing waits for review.", "good"))

    def _answered(self, told: str) -> None:
        self.said = tuple(told.splitlines()) or ("done",)
        self.in_full = False
        self._listed()

    def action_accept(self) -> None:
        """Accept the change at hand."""
        if self.entry is not None:
            self._answered(self.reviewing.accept(frozenset({self.entry.fingerprint})))

    def action_reject(self) -> None:
        """Reject the change at hand."""
        if self.entry is not None:
            self._answered(self.reviewing.reject(frozenset({self.entry.fingerprint})))

    def action_skip(self) -> None:
        """Let the change at hand wait, and go on to the next one."""
        if self.entry is not None:
            self.choice.action_move(1)

    def action_accept_all(self) -> None:
        """Accept the change at hand and all after it."""
        self._all("accept")

    def action_reject_all(self) -> None:
        """Reject the change at hand and all after it."""
        self._all("reject")

    def _all(self, word: str) -> None:
        chosen = frozenset(entry.fingerprint for entry in self.left[self.choice.at :])
        if not chosen:
            return

        def answered(is_sure: bool | None) -> None:  # noqa: FBT001 -- Textual passes the result of the screen
            if is_sure:
                does = self.reviewing.accept if word == "accept" else self.reviewing.reject
                self._answered(does(chosen))

        self.push_screen(Sure(f"{word} this change and all after it: {times(len(chosen), 'change')}?"), answered)

    def action_tests(self) -> None:
        """Name every test, or only the first."""
        self.in_full = not self.in_full
        self._told()

    def action_diff(self) -> None:
        """Show the whole diff of the first snapshot, then of the next."""
        if self.entry is not None:
            text = self.reviewing.whole_diff(self.entry.fingerprint, self.diffs)
            self.diffs += 1
            self.view.show(tuple(_diff_line(each) for each in text.splitlines()))

    def action_switch(self) -> None:
        """From the list to the panel, and back."""
        (self.view if self.choice.has_focus else self.choice).focus()

    def action_scroll(self, by: int) -> None:
        """Scroll what is told."""
        self.view.scroll_relative(y=by, animate=False)

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(Keys())


def _line_of(text: str, number: int) -> Line:
    role: Role = "head" if not number else "good" if "hint:" in text[:8] else ""
    indent = len(text) - len(text.lstrip()) + 2
    return line((text, role), indent=indent)


def _diff_line(text: str) -> Line:
    sign = text.lstrip()[:1]
    role: Role = "good" if sign == "+" else "bad" if sign == "-" else ""
    return line((text, role), indent=len(text) - len(text.lstrip()) + 2)
