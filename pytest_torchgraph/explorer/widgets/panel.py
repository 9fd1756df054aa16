"""A panel: lines that scroll, made when they are wanted and as wide as there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from pytest_torchgraph.explorer.lowering import Lines, lowered
from pytest_torchgraph.explorer.widgets.lines import ScrolledLines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_torchgraph.explorer.block import Block, Spans


class PanelView(ScrolledLines):
    """Shows the blocks of a panel."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("down,j", "scroll_down", "Down", show=False),
        Binding("pageup,ctrl+u,ctrl+b", "page_up", "Page up", show=False),
        Binding("pagedown,ctrl+d,ctrl+f,space", "page_down", "Page down", show=False),
        Binding("home,g", "scroll_home", "First", show=False),
        Binding("end,G", "scroll_end", "Last", show=False),
        Binding("left,h", "cursor(-1)", "Cursor back", show=False),
        Binding("right,l", "cursor(1)", "Cursor on", show=False),
    ]

    class Moved(Message):
        """The cursor of the panel was moved by so many columns."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self) -> None:
        super().__init__(id="panel")
        self.blocks: tuple[Block, ...] = ()
        self._lines: Lines = []
        self._width = 0

    def show(self, blocks: Iterable[Block], *, keep: bool = False) -> None:
        """Show *blocks*, from the top unless the place is to be kept."""
        self.blocks, self._width = tuple(blocks), 0
        self.fit()
        if not keep:
            self.scroll_to(0, 0, animate=False)
        self.refresh()

    @property
    def lines(self) -> Lines:
        """The lines as they are shown."""
        return self._lines

    def fit(self) -> None:
        """Break the lines where the width that there is now ends."""
        width = max(self.size.width - 3, 1)
        if width != self._width:
            self._width, self._lines = width, lowered(self.blocks, width)
            self.hold(width, len(self._lines))

    def line(self, place: int) -> Spans:
        """One of the lines."""
        return ((" ", ""), *(self._lines[place] if place < len(self._lines) else ()))

    def action_cursor(self, by: int) -> None:
        """Move the cursor of the panel."""
        self.post_message(self.Moved(by))
