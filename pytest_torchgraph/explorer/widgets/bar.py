"""One line of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widget import Widget

from pytest_torchgraph.explorer.lowering import cut
from pytest_torchgraph.explorer.palette import palette_of

if TYPE_CHECKING:
    from textual.strip import Strip

    from pytest_torchgraph.explorer.block import Spans


class Bar(Widget):
    """Shows spans, cut where there is no room."""

    def __init__(self, name: str, spans: Spans = ()) -> None:
        super().__init__(id=name)
        self.spans = spans

    def show(self, spans: Spans) -> None:
        """Show *spans*."""
        self.spans = spans
        self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 -- there is one line
        """The line."""
        palette = palette_of(self.app)
        under = palette.under(is_cursor=False, is_focused=False)
        return palette.strip(cut(self.spans, self.size.width), self.size.width, under)
