"""The tree of modules: only the lines that are seen are drawn, so that a hundred thousand are as quick as ten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView

from pytest_torchgraph.explorer.measure import MEASURES, Measure, known_measures
from pytest_torchgraph.explorer.palette import palette_of
from pytest_torchgraph.explorer.rows import Row, Rows, State
from pytest_torchgraph.explorer.tree_line import heads_of, spans_of

if TYPE_CHECKING:
    from textual import events
    from textual.strip import Strip

    from pytest_torchgraph.explorer.search import Found
    from pytest_torchgraph.explorer.subject import Subject

DEEPEST = 9
REVEALED = 200
"""Modules with changes that are seen from the start."""


class ModuleTree(ScrollView, can_focus=True):
    """The tree."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+u,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+d,ctrl+f", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(0)", "First", show=False),
        Binding("end,G", "edge(1)", "Last", show=False),
        Binding("enter", "turn", "Open or close", show=False),
        Binding("right,l", "into", "Open, or go in", show=False),
        Binding("left,h", "out", "Close, or go out", show=False),
        Binding("space", "pin", "Hold in the panels", show=False),
        Binding("u", "fold", "Tell repeated layers one by one", show=False),
        Binding("plus,E", "open_all", "Open all", show=False),
        Binding("minus,C", "close_all", "Close all", show=False),
        *(
            Binding(str(depth), f"depth({depth})", f"Open to depth {depth}", show=False)
            for depth in range(1, DEEPEST + 1)
        ),
        Binding("m", "measure(1)", "Next measure", show=False),
        Binding("M", "measure(-1)", "Measure before", show=False),
    ]

    @dataclass
    class Chosen(Message):
        """Another row is chosen, or held."""

        row: Row

    def __init__(self) -> None:
        super().__init__(id="tree")
        self.subject: Subject | None = None
        self.state = State()
        self.rows: list[Row] = []
        self.cursor = 0
        self.pinned: Row | None = None
        self.measure: Measure = MEASURES[0]
        self._maker: Rows | None = None

    def show(self, subject: Subject) -> None:
        """Show *subject*; what was open and where the cursor was stays so."""
        is_first = self.subject is None
        self.subject, self._maker = subject, Rows(subject)
        if is_first:
            self.state.opened = {""}
            if subject.config.compact_view is False and len(subject.tree.children) == 1:
                self.state.reveal(f"{subject.tree.children[0].path}.")
            if len(subject.changes) <= REVEALED:
                for path in subject.changes:
                    self.state.reveal(path)
        if self.measure not in known_measures(subject):
            self.measure = MEASURES[0]
        self._made(keep=True)

    def find(self, found: Found | None) -> None:
        """Show what was *found* alone, and go to the first of it; everything again without it."""
        self.state.found = found
        self.state.opened_found.clear()
        path = self.row.path if self.row else ""
        if found is None and path:
            self.state.reveal(path)
        self._made(keep=found is None)
        if found is not None and found.matched:
            self._go(next((place for place, row in enumerate(self.rows) if row.matches), 0))

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    @property
    def chosen(self) -> Row | None:
        """The row that the panels tell of: the one that is held, or the one under the cursor."""
        return self.pinned or self.row

    def _made(self, *, keep: bool) -> None:
        """Make the rows anew; the cursor stays on its module, or on the nearest one around it that is still seen."""
        path = self.row.path if self.row and keep else None
        self.rows = self._maker.of(self.state) if self._maker else []
        self.virtual_size = Size(self.size.width, len(self.rows) + 1)
        place = self.cursor if path is None else self._place_of(path)
        self._go(max(0, min(place, len(self.rows) - 1)))
        self.refresh()

    def _place_of(self, path: str) -> int:
        places = {row.path: place for place, row in reversed(list(enumerate(self.rows)))}
        folds = {module.path: place for place, row in enumerate(self.rows) for module in row.modules if row.is_fold}
        while path and path not in places:
            if path in folds:
                return folds[path]
            path = path.rpartition(".")[0]
        return places.get(path, 0)

    def _go(self, place: int) -> None:
        self.cursor = max(0, min(place, len(self.rows) - 1))
        self.scroll_to_region(Region(0, self.cursor, 1, 2), animate=False, force=True, x_axis=False)
        self.refresh()
        if self.chosen is not None:
            self.post_message(self.Chosen(self.chosen))

    def on_resize(self) -> None:
        """Draw anew."""
        self.virtual_size = Size(self.size.width, len(self.rows) + 1)
        self._go(self.cursor)

    def render_line(self, y: int) -> Strip:
        """One line of the screen; the first one are the heads."""
        palette, width = palette_of(self.app), self.scrollable_content_region.width
        if self.subject is None:
            return palette.strip((), width, palette.under(is_cursor=False, is_focused=False))
        if y == 0:
            under = palette.under(is_cursor=False, is_focused=False) + Style(underline=not palette.colour)
            return palette.strip(heads_of(self.subject, self.measure, width), width, under)
        place = y - 1 + self.scroll_offset.y
        if place >= len(self.rows):
            return palette.strip((), width, palette.under(is_cursor=False, is_focused=False))
        row = self.rows[place]
        under = palette.under(is_cursor=place == self.cursor, is_focused=self.has_focus)
        pinned = self.pinned is not None and row.path == self.pinned.path and row.is_fold == self.pinned.is_fold
        line = spans_of(row, self.subject, self.measure, width, pinned=pinned, found=self.state.found)
        return palette.strip(line, width, under)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._go(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by what is seen at once."""
        self._go(self.cursor + by * max(self.size.height - 2, 1))

    def action_edge(self, last: int) -> None:
        """Go to the first or the last row."""
        self._go(len(self.rows) - 1 if last else 0)

    def action_turn(self) -> None:
        """Open or close."""
        if self.row is not None and self.row.opens:
            self.state.toggle(self.row)
            self._made(keep=True)

    def action_into(self) -> None:
        """Open what is closed, or go to the first module inside."""
        row = self.row
        if row is None or not row.opens:
            return
        if row.is_open:
            self._go(self.cursor + 1)
        else:
            self.state.toggle(row, to=True)
            self._made(keep=True)

    def action_out(self) -> None:
        """Close what is open, or go to the module around."""
        row = self.row
        if row is None:
            return
        if row.is_open and self.state.found is None:
            self.state.toggle(row, to=False)
            self._made(keep=True)
            return
        around = (place for place in range(self.cursor - 1, -1, -1) if self.rows[place].depth < row.depth)
        self._go(next(around, self.cursor))

    def action_pin(self) -> None:
        """Hold the module in the panels while the cursor moves on, or let it go."""
        held = self.pinned is not None and self.row is not None and self.pinned.path == self.row.path
        self.pinned = None if held else self.row
        self._go(self.cursor)

    def action_fold(self) -> None:
        """Tell repeated layers one by one, or as one."""
        if self.row is None:
            return
        around = next((row for row in (self.row, *self._rows_around()) if row.fold), None)
        if around is not None:
            self.state.toggle_fold(around)
            self._made(keep=True)

    def _rows_around(self) -> list[Row]:
        """The rows around the cursor, innermost first."""
        found: list[Row] = []
        depth = self.rows[self.cursor].depth
        for row in reversed(self.rows[: self.cursor]):
            if row.depth < depth:
                found.append(row)
                depth = row.depth
        return found

    def action_open_all(self) -> None:
        """Open everything."""
        self.action_depth(None)

    def action_close_all(self) -> None:
        """Close everything but the model."""
        self.action_depth(1)

    def action_depth(self, depth: int | None) -> None:
        """Open everything that is less than *depth* deep."""
        if self.subject is not None:
            self.state.open_to(self.subject.tree, depth)
            self._made(keep=True)

    def action_measure(self, by: int) -> None:
        """Measure modules by something else."""
        if self.subject is not None:
            known = known_measures(self.subject)
            self.measure = known[(known.index(self.measure) + by) % len(known)]
            self.refresh()

    def measure_by(self, measure: Measure) -> None:
        """Measure modules by *measure*."""
        self.measure = measure
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Choose a row; a click on its sign, or a second one, opens or closes it."""
        if event.y == 0:
            self.action_measure(1)
            return
        place = event.y - 1 + self.scroll_offset.y
        if place >= len(self.rows):
            return
        row = self.rows[place]
        sign = len(row.guides) + (2 if self.subject is not None and self.subject.before is not None else 0)
        self._go(place)
        if event.chain > 1 or sign <= event.x < sign + 2:
            self.action_turn()
