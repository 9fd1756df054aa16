"""Pictures, drawn by the room that knows how."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_torchgraph.tracking.extra import required

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_torchgraph.graph.graph import Graph

RENDERERS = ("plotly", "matplotlib")


def picture(traced: Callable[[], Graph], renderer: str, options: Mapping[str, Any]) -> Any:
    """The picture that *renderer* makes of the graph; nothing runs where it could not be drawn."""
    if renderer not in RENDERERS:
        raise ValueError(f"unknown renderer {renderer!r}: choose one of {', '.join(RENDERERS)}")
    required(renderer, f"renderer={renderer!r}")
    draw = drawn_by("draw")
    return draw(traced(), renderer=renderer, **options)


def drawn_by(name: str) -> Callable[..., Any]:
    """A function of the room of pictures; raises ``ImportError`` where this installation has it not."""
    room = import_module("pytest_torchgraph.drawing")
    function: Callable[..., Any] | None = getattr(room, name, None)
    if function is None:
        raise ImportError("this installation of pytest-torchgraph draws no graphs: install its latest version")
    return function
