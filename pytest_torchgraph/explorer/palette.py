"""Colours of the roles that a piece of text can have."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip
from textual.theme import Theme

from pytest_torchgraph.explorer.block import Role, Spans

if TYPE_CHECKING:
    from textual.app import App

ROLES: dict[Role, tuple[str, str]] = {
    "": ("foreground", ""),
    "name": ("foreground", "bold"),
    "kind": ("secondary", ""),
    "faint": ("faint", ""),
    "number": ("foreground", ""),
    "good": ("success", ""),
    "bad": ("error", "bold"),
    "warn": ("warning", ""),
    "accent": ("accent", ""),
    "head": ("primary", "bold"),
    "bar": ("primary", ""),
    "mark": ("accent", "bold"),
    "code": ("foreground", ""),
    "tab": ("primary", "bold reverse"),
}
"""The colour of a theme and the weight of each role."""
THEMES = (
    Theme(
        name="torchgraph-dark",
        dark=True,
        primary="#4ea1ff",
        secondary="#7fb8e8",
        accent="#d59bff",
        foreground="#d6dde6",
        background="#10141a",
        surface="#161b22",
        panel="#2a323c",
        success="#6cc788",
        warning="#e3b341",
        error="#ff7a7a",
    ),
    Theme(
        name="torchgraph-light",
        dark=False,
        primary="#0969da",
        secondary="#0b5cad",
        accent="#7b2fbf",
        foreground="#1f2328",
        background="#ffffff",
        surface="#f6f8fa",
        panel="#d8dee4",
        success="#1a7f37",
        warning="#8a5a00",
        error="#c0262d",
    ),
)
FAINT, CURSOR, BLURRED = 0.48, 0.28, 0.12
"""How much of the background is in faint text, and of the primary colour in the line of the cursor."""


class Palette:
    """The styles of one theme."""

    def __init__(self, theme: Theme, *, colour: bool = True) -> None:
        self.dark, self.colour = theme.dark, colour
        found = {"foreground": "white" if theme.dark else "black", "background": "black" if theme.dark else "white"}
        found |= {name: value for name in NAMES if (value := getattr(theme, name)) is not None}
        colours = {name: Color.parse(found.get(name, found["foreground"])) for name in NAMES}
        back = colours["background"]
        colours["faint"] = colours["foreground"].blend(back, FAINT)
        colours["cursor"] = back.blend(colours["primary"], CURSOR)
        colours["blurred"] = back.blend(colours["primary"], BLURRED)
        self.names = {name: value.hex6 for name, value in colours.items()}
        self.styles = {role: self._style(*made) for role, made in ROLES.items()}

    def _style(self, colour: str, weight: str) -> Style:
        if not self.colour:
            dim = "dim" if colour == "faint" else ""
            return Style.parse(" ".join(filter(None, (weight, dim))) or "none")
        return Style.parse(" ".join(filter(None, (weight, self.names[colour]))))

    def under(self, *, is_cursor: bool, is_focused: bool) -> Style:
        """The style of a whole line."""
        if not self.colour:
            return Style(reverse=True) if is_cursor else Style()
        if is_cursor:
            return Style(bgcolor=self.names["cursor" if is_focused else "blurred"])
        return Style(bgcolor=self.names["background"])

    def strip(self, spans: Spans, width: int, under: Style) -> Strip:
        """*spans* as one line of *width* columns."""
        segments = [Segment(text, under + style) for text, style in self._styled(spans)]
        strip = Strip(segments)
        return strip.adjust_cell_length(width, under)

    def _styled(self, spans: Spans) -> Iterator[tuple[str, Style]]:
        for text, role in spans:
            if role == "code" and self.colour:
                yield from highlighted(text, self.dark)
            else:
                yield text, self.styles[role]


NAMES = ("foreground", "background", "primary", "secondary", "accent", "success", "warning", "error")


def palette_of(app: App[Any]) -> Palette:
    """The palette of the theme at hand."""
    return palette(app.theme, app.current_theme, app.no_color)


_palettes: dict[tuple[str, bool], Palette] = {}


def palette(name: str, theme: Theme, no_color: bool) -> Palette:  # noqa: FBT001 -- one of three plain parts
    """The palette of *theme*, made once."""
    key = (name, no_color)
    if key not in _palettes:
        _palettes[key] = Palette(theme, colour=not no_color)
    return _palettes[key]


@lru_cache(maxsize=2048)
def highlighted(text: str, dark: bool) -> list[tuple[str, Style]]:  # noqa: FBT001 -- part of the key of the cache
    """A line of Python in colours."""
    from rich.syntax import Syntax

    syntax = Syntax("", "python", theme="github-dark" if dark else "default", background_color="default")
    found = syntax.highlight(text)
    found.right_crop(len(found.plain) - len(text)) if len(found.plain) > len(text) else None
    plain = found.plain
    edges = sorted(
        {0, len(plain), *(edge for span in found.spans for edge in (span.start, span.end) if edge <= len(plain))}
    )
    pieces: list[tuple[str, Style]] = []
    for start, end in pairwise(edges):
        style = Style()
        for span in found.spans:
            if span.start <= start and end <= span.end and isinstance(span.style, Style):
                style += span.style
        pieces.append((plain[start:end], Style(color=style.color, bold=style.bold, italic=style.italic)))
    return [*pieces, (" " * (cell_len(text) - cell_len(plain)), Style())]
