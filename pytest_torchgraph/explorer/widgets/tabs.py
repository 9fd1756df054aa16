"""The names of the panels in one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.message import Message
from textual.widget import Widget

from pytest_torchgraph.explorer.palette import palette_of

if TYPE_CHECKING:
    from textual import events
    from textual.strip import Strip

    from pytest_torchgraph.explorer.block import Span


class PanelTabs(Widget):
    """One line of names; the one at hand stands out, and all are cut short where there is no room."""

    class Clicked(Message):
        """A name was clicked."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self) -> None:
        super().__init__(id="tabs")
        self.names: tuple[str, ...] = ()
        self.at = 0

    def show(self, names: tuple[str, ...], at: int) -> None:
        """Show *names*, the one *at* a place as chosen."""
        self.names, self.at = names, at
        self.refresh()

    def _texts(self) -> list[str]:
        """The names that fit: all of them, or the others by as many letters as there is room for."""
        for letters in (99, 6, 4, 3, 2, 1):
            texts = [name if place == self.at else name[:letters] for place, name in enumerate(self.names)]
            if sum(cell_len(text) + 2 for text in texts) <= self.size.width:
                return texts
        return texts

    def _spans(self) -> Iterator[Span]:
        for place, text in enumerate(self._texts()):
            yield f" {text} ", "tab" if place == self.at else "faint"

    def render_line(self, y: int) -> Strip:
        """The line."""
        palette = palette_of(self.app)
        under = palette.under(is_cursor=False, is_focused=False)
        if y:
            return palette.strip((), self.size.width, under)
        return palette.strip(tuple(self._spans()), self.size.width, under)

    def on_click(self, event: events.Click) -> None:
        """Choose a panel."""
        x = 0
        for place, text in enumerate(self._texts()):
            x += cell_len(text) + 2
            if event.x < x:
                self.post_message(self.Clicked(place))
                return
