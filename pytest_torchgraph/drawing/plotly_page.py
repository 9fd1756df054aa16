"""What every plotly picture shares: colours, and a page that needs nothing from the network."""

from __future__ import annotations

import webbrowser
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from plotly import graph_objects

from pytest_torchgraph.drawing.colour import Theme

FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"
CONFIG = {"scrollZoom": True, "displaylogo": False, "responsive": True}


class Picture(graph_objects.Figure):  # type: ignore[misc] # plotly has no types
    """A figure whose page fills the window, zooms with the wheel and, for graphs, opens and closes modules."""

    script = ""

    def to_html(self, **options: Any) -> str:
        """As plotly's own, with the script of this picture."""
        page = str(super().to_html(**self._with_script(options)))
        return page.replace("<body>", f'<body style="margin:0;background:{self.layout.paper_bgcolor}">', 1)

    def write_html(self, file: Any, **options: Any) -> None:
        """As plotly's own, with the script of this picture."""
        auto_open = options.pop("auto_open", False)
        page = self.to_html(**options)
        if hasattr(file, "write"):
            file.write(page)
            return
        Path(file).write_text(page, encoding="utf-8")
        if auto_open:
            webbrowser.open(Path(file).absolute().as_uri())

    def _with_script(self, options: dict[str, Any]) -> dict[str, Any]:
        scripts = [self.script] if self.script else None
        return {"config": CONFIG, "post_script": scripts, "default_height": "100vh", **options}


def script(name: str) -> str:
    """A script of this folder."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def bare(theme: Theme, title: str, note: str = "") -> Picture:
    """A figure without data in the colours of *theme*."""
    made = Picture()
    beneath = f"<br><span style='font-size:13px;color:{theme.muted}'>{escape(note)}</span>" if note else ""
    made.update_layout(
        title={
            "text": f"<b>{escape(title)}</b>{beneath}",
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "font": {"size": 19},
        },
        font={"family": FONT, "color": theme.text, "size": 12},
        paper_bgcolor=theme.paper,
        plot_bgcolor=theme.paper,
        margin={"l": 24, "r": 24, "t": 84, "b": 24},
        hoverlabel={
            "bgcolor": theme.paper,
            "bordercolor": theme.line,
            "font": {"color": theme.text, "family": FONT},
            "align": "left",
        },
    )
    return made


def hover(lines: list[str]) -> str:
    """Lines of plain text as plotly shows them; the first is the name."""
    first, *rest = map(escape, lines)
    return "<br>".join([f"<b>{first}</b>", *rest])
