"""Lines that scroll: what a widget is made of that shows one below the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Size
from textual.scroll_view import ScrollView

from pytest_torchgraph.explorer.palette import palette_of

if TYPE_CHECKING:
    from textual.strip import Strip

    from pytest_torchgraph.explorer.block import Spans


class ScrolledLines(ScrollView, can_focus=True):
    """Draws the lines that :meth:`line` gives, of which one may be at hand."""

    def line(self, place: int) -> Spans:  # noqa: ARG002 -- there is none yet
        """What stands at *place*; nothing below the last line."""
        return ()

    def is_at_hand(self, place: int) -> bool:  # noqa: ARG002 -- there is none yet
        """Whether the line at *place* is the chosen one."""
        return False

    def fit(self) -> None:
        """Take the width that there is now."""

    def hold(self, width: int, count: int) -> None:
        """Scroll over *count* lines of *width* columns."""
        self.virtual_size = Size(width, count)

    def on_resize(self) -> None:
        """Draw anew."""
        self.fit()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        palette, place = palette_of(self.app), y + self.scroll_offset.y
        is_cursor = self.is_at_hand(place)
        under = palette.under(is_cursor=is_cursor, is_focused=is_cursor and self.has_focus)
        return palette.strip(self.line(place), self.scrollable_content_region.width, under)
