"""The dependency map of autograd's sources as an interactive page: one row for each layer."""

from __future__ import annotations

from html import escape
from typing import Any, TypeAlias

from pytest_torchgraph.catalog.autograd.area import LAYERS
from pytest_torchgraph.catalog.autograd.dependency import Dependencies, dependencies
from pytest_torchgraph.catalog.autograd.source import Inventory

Places: TypeAlias = dict[str, tuple[float, float]]
GREY, RED, BLUE = "#bbbbbb", "#cc3333", "#336699"


def html(inventory: Inventory) -> str:
    """A page without outside references; a point is a file, a line an include, red within a cycle."""
    from plotly import graph_objects

    map_of = dependencies(inventory.files)
    places = positions(inventory)
    traces = (
        includes(map_of, places, in_cycle=False),
        includes(map_of, places, in_cycle=True),
        files(map_of, places),
    )
    figure = graph_objects.Figure([graph_objects.Scatter(**trace) for trace in traces])
    rows = list(range(len(LAYERS)))
    figure.update_yaxes(tickvals=rows, ticktext=list(reversed(LAYERS)), showgrid=False, zeroline=False)
    figure.update_xaxes(visible=False)
    figure.update_layout(
        title=f"Includes among the autograd sources of {escape(inventory.origin)}", template="plotly_white"
    )
    page: str = figure.to_html(include_plotlyjs=True, full_html=True)
    return page


def positions(inventory: Inventory) -> Places:
    """Where each file of the layers stands: its row is the layer, files are spread evenly."""
    places: Places = {}
    for row, layer in enumerate(reversed(LAYERS)):
        paths = [file.path for file in inventory.files if file.layer == layer]
        for number, path in enumerate(paths):
            # Neighbours stand at different heights, so that lines within a row are seen.
            places[path] = ((number + 0.5) / len(paths), row + (0.12 if number % 2 else -0.12))
    return places


def includes(map_of: Dependencies, places: Places, *, in_cycle: bool) -> dict[str, Any]:
    """The lines from files to what they include; those within a cycle, or the others."""
    circle_of = {path: number for number, component in enumerate(map_of.cycles) for path in component}
    points: list[tuple[float | None, float | None]] = []
    for path, targets in map_of.targets.items():
        for target in targets:
            together = path in circle_of and circle_of[path] == circle_of.get(target)
            if path in places and target in places and together == in_cycle:
                points += [places[path], places[target], (None, None)]
    return {
        "x": [x for x, _ in points],
        "y": [y for _, y in points],
        "mode": "lines",
        "name": "in a cycle" if in_cycle else "includes",
        "hoverinfo": "skip",
        "line": {"width": 1, "color": RED if in_cycle else GREY},
    }


def files(map_of: Dependencies, places: Places) -> dict[str, Any]:
    """The points; the more files include one, the larger it is."""
    users = {path: len(map_of.users[path]) for path in places}
    return {
        "x": [x for x, _ in places.values()],
        "y": [y for _, y in places.values()],
        "mode": "markers",
        "name": "files",
        "marker": {"size": [6 + 4 * count**0.5 for count in users.values()], "color": BLUE},
        "hovertext": [escape(f"{path}, included by {count}") for path, count in users.items()],
        "hoverinfo": "text",
    }
