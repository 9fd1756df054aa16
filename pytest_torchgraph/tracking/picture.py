"""Pictures, drawn by the room that knows how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_torchgraph.words.extra import required

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.figure import Figure

    from pytest_torchgraph.graph import Graph

RENDERERS = ("plotly", "matplotlib")


def picture(traced: Callable[[], Graph], renderer: str, options: Mapping[str, Any]) -> Any:
    """The picture that *renderer* makes of the graph; nothing runs where it could not be drawn."""
    if renderer not in RENDERERS:
        raise ValueError(f"unknown renderer {renderer!r}: choose one of {', '.join(RENDERERS)}")
    required(renderer, f"renderer={renderer!r}")
    from pytest_torchgraph.drawing import draw

    drawn = draw(traced(), renderer=renderer, **options)
    return current(drawn) if renderer == "matplotlib" else drawn


def current(figure: Figure) -> Figure:
    """*figure* as pyplot's current one, so that ``plt.title``, ``plt.savefig`` and ``plt.show`` are of it."""
    import matplotlib.pyplot as plt

    # The class that pyplot makes a figure of is the one way in that matplotlib 3.9 and later share.
    plt.figure(FigureClass=lambda *_, **__: figure)  # type: ignore[arg-type]
    return figure
