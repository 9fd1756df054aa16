"""A list of lines, one of which is at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message

from pytest_torchgraph.explorer.lowering import cut
from pytest_torchgraph.explorer.widgets.lines import ScrolledLines
from pytest_torchgraph.words.printable import printable

if TYPE_CHECKING:
    from textual import events

    from pytest_torchgraph.explorer.block import Spans


class Choice(ScrolledLines):
    """The list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+u", "move(-10)", "Page up", show=False),
        Binding("pagedown,ctrl+d", "move(10)", "Page down", show=False),
        Binding("home,g", "move(-1000000)", "First", show=False),
        Binding("end,G", "move(1000000)", "Last", show=False),
    ]

    class Moved(Message):
        """Another line is at hand."""

    def __init__(self) -> None:
        super().__init__(id="tree")
        self.rows: tuple[Spans, ...] = ()
        self.at = 0

    def show(self, rows: tuple[Spans, ...], at: int) -> None:
        """Show *rows*, the one *at* a place at hand."""
        self.rows, self.at = rows, at
        self.hold(self.size.width, len(rows))
        self.scroll_to_region(Region(0, at, 1, 1), animate=False, force=True)
        self.refresh()

    def action_move(self, by: int) -> None:
        """Go to another line."""
        self.show(self.rows, max(0, min(self.at + by, len(self.rows) - 1)))
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """Go to the line that was clicked."""
        self.action_move(event.y + self.scroll_offset.y - self.at)

    def fit(self) -> None:
        """Show the same with the width that there is now."""
        self.show(self.rows, self.at)

    def line(self, place: int) -> Spans:
        """One of the lines, cut where there is no room."""
        spans = self.rows[place] if place < len(self.rows) else ()
        told = tuple((printable(text), role) for text, role in ((" ", ""), *spans))
        return cut(told, self.scrollable_content_region.width)

    def is_at_hand(self, place: int) -> bool:
        """Whether it is the chosen one."""
        return place == self.at and bool(self.rows)
